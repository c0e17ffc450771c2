package dev.tidegate.gerrit.facts;

import com.google.gerrit.extensions.annotations.CapabilityScope;
import com.google.gerrit.extensions.annotations.RequiresCapability;
import com.google.gerrit.extensions.restapi.BinaryResult;
import com.google.gerrit.extensions.restapi.ResourceConflictException;
import com.google.gerrit.extensions.restapi.Response;
import com.google.gerrit.extensions.restapi.RestReadView;
import com.google.gerrit.server.change.RevisionResource;
import com.google.gerrit.server.query.change.ChangeData;
import com.google.inject.Inject;
import com.google.inject.Singleton;
import dev.tidegate.core.CoreException;
import dev.tidegate.gerrit.journal.FollowEvents;
import dev.tidegate.gerrit.json.Json;
import dev.tidegate.gerrit.json.JsonAnswer;

/**
 * {@code GET /changes/ID/revisions/REV/tidegate~facts}: the facts as the core gets them, to the
 * byte. They are those of the whole change, whichever revision is named.
 */
@RequiresCapability(value = FollowEvents.NAME, scope = CapabilityScope.PLUGIN)
@Singleton
final class GetFacts implements RestReadView<RevisionResource> {
  private final FactsReader facts;
  private final ChangeData.Factory changes;

  @Inject
  GetFacts(FactsReader facts, ChangeData.Factory changes) {
    this.facts = facts;
    this.changes = changes;
  }

  @Override
  public Response<BinaryResult> apply(RevisionResource revision) throws ResourceConflictException {
    try {
      return JsonAnswer.of(Json.bytes(facts.change(changes.create(revision.getNotes()))));
    } catch (FactsException | CoreException e) {
      throw new ResourceConflictException(e.getMessage(), e);
    }
  }
}
