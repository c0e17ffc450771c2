package dev.tidegate.gerrit.record;

import com.google.gerrit.extensions.restapi.BinaryResult;
import com.google.gerrit.extensions.restapi.ResourceNotFoundException;
import com.google.gerrit.extensions.restapi.Response;
import com.google.gerrit.extensions.restapi.RestReadView;
import com.google.gerrit.server.change.ChangeResource;
import com.google.gson.JsonObject;
import com.google.inject.Inject;
import com.google.inject.Singleton;
import dev.tidegate.gerrit.json.Json;
import dev.tidegate.gerrit.json.JsonAnswer;
import java.io.IOException;

/** {@code GET /changes/ID/tidegate~record}: for everybody who may see the change. */
@Singleton
final class GetRecord implements RestReadView<ChangeResource> {
  private final RecordStore records;

  @Inject
  GetRecord(RecordStore records) {
    this.records = records;
  }

  @Override
  public Response<BinaryResult> apply(ChangeResource change)
      throws ResourceNotFoundException, IOException {
    StoredRecord record =
        records
            .read(change.getProject(), change.getId())
            .orElseThrow(() -> new ResourceNotFoundException("the change has no signed record"));
    JsonObject json = new JsonObject();
    json.addProperty("commit", record.commit());
    json.addProperty("text", record.text());
    return JsonAnswer.of(Json.bytes(json));
  }
}
