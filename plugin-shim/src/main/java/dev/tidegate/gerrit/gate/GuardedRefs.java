package dev.tidegate.gerrit.gate;

import com.google.gerrit.server.events.RefReceivedEvent;
import com.google.gerrit.server.git.validators.RefOperationValidationListener;
import com.google.gerrit.server.git.validators.ValidationMessage;
import com.google.gerrit.server.validators.ValidationException;
import com.google.inject.Inject;
import com.google.inject.Singleton;
import dev.tidegate.gerrit.record.RecordRef;
import java.util.List;

/**
 * Refuses pushes past review, with a message that says what to do instead. Branch rights refuse
 * them too, and while the plugin is away they alone do.
 */
@Singleton
final class GuardedRefs implements RefOperationValidationListener {
  private final Gate gate;

  @Inject
  GuardedRefs(Gate gate) {
    this.gate = gate;
  }

  /** Throws nothing but the refusal: after any other exception Gerrit would go on. */
  @Override
  public List<ValidationMessage> onRefOperation(RefReceivedEvent event) throws ValidationException {
    Push push = new Push(event);
    if (push.ref().startsWith(RecordRef.RESERVED)) {
      throw new ValidationException("refs below " + RecordRef.RESERVED + " are Tidegate's own");
    }
    Verdict verdict = gate.push(push);
    if (!verdict.submittable()) {
      throw new ValidationException("Tidegate: " + verdict.line());
    }
    return List.of();
  }
}
