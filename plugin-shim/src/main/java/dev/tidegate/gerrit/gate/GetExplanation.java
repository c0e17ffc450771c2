package dev.tidegate.gerrit.gate;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gerrit.extensions.restapi.BinaryResult;
import com.google.gerrit.extensions.restapi.Response;
import com.google.gerrit.extensions.restapi.RestReadView;
import com.google.gerrit.server.change.RevisionResource;
import com.google.gerrit.server.query.change.ChangeData;
import com.google.inject.Inject;
import com.google.inject.Singleton;

/** {@code GET /changes/ID/revisions/REV/tidegate~explain}: the verdict as a text for people. */
@Singleton
final class GetExplanation implements RestReadView<RevisionResource> {
  private final Gate gate;
  private final ChangeData.Factory changes;

  @Inject
  GetExplanation(Gate gate, ChangeData.Factory changes) {
    this.gate = gate;
    this.changes = changes;
  }

  @Override
  public Response<BinaryResult> apply(RevisionResource revision) {
    String text = gate.change(changes.create(revision.getNotes())).explanation();
    return Response.ok(
        BinaryResult.create(text).setContentType("text/plain").setCharacterEncoding(UTF_8));
  }
}
