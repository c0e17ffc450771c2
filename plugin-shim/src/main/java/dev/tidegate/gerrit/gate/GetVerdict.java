package dev.tidegate.gerrit.gate;

import com.google.gerrit.extensions.restapi.BinaryResult;
import com.google.gerrit.extensions.restapi.Response;
import com.google.gerrit.extensions.restapi.RestReadView;
import com.google.gerrit.server.change.RevisionResource;
import com.google.gerrit.server.query.change.ChangeData;
import com.google.inject.Inject;
import com.google.inject.Singleton;
import dev.tidegate.gerrit.json.JsonAnswer;

/** {@code GET /changes/ID/revisions/REV/tidegate~verdict}: the verdict on the change, of now. */
@Singleton
final class GetVerdict implements RestReadView<RevisionResource> {
  private final Gate gate;
  private final ChangeData.Factory changes;

  @Inject
  GetVerdict(Gate gate, ChangeData.Factory changes) {
    this.gate = gate;
    this.changes = changes;
  }

  @Override
  public Response<BinaryResult> apply(RevisionResource revision) {
    return JsonAnswer.of(gate.change(changes.create(revision.getNotes())).json());
  }
}
