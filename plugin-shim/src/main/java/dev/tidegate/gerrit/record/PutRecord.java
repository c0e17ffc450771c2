package dev.tidegate.gerrit.record;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gerrit.extensions.annotations.CapabilityScope;
import com.google.gerrit.extensions.annotations.RequiresCapability;
import com.google.gerrit.extensions.restapi.BadRequestException;
import com.google.gerrit.extensions.restapi.BinaryResult;
import com.google.gerrit.extensions.restapi.PreconditionFailedException;
import com.google.gerrit.extensions.restapi.Response;
import com.google.gerrit.extensions.restapi.RestModifyView;
import com.google.gerrit.extensions.restapi.UnprocessableEntityException;
import com.google.gerrit.server.change.ChangeResource;
import com.google.gerrit.server.index.change.ChangeIndexer;
import com.google.gson.JsonObject;
import com.google.inject.Inject;
import com.google.inject.Singleton;
import dev.tidegate.gerrit.json.Json;
import dev.tidegate.gerrit.json.JsonAnswer;
import java.io.IOException;
import org.eclipse.jgit.errors.InvalidObjectIdException;
import org.eclipse.jgit.lib.ObjectId;

/** {@code PUT /changes/ID/tidegate~record}: for the host. */
@RequiresCapability(value = WriteRecord.NAME, scope = CapabilityScope.PLUGIN)
@Singleton
final class PutRecord implements RestModifyView<ChangeResource, PutRecord.Input> {
  /** The body of the request. */
  static final class Input {
    /** The commit of the record that is to be replaced; none if there should be none. */
    String expect;

    /** The record. */
    String text;

    /** An Ed25519 signature over the record, 64 bytes in base64. */
    String signature;
  }

  private final RecordStore records;
  private final ChangeIndexer indexer;

  @Inject
  PutRecord(RecordStore records, ChangeIndexer indexer) {
    this.records = records;
    this.indexer = indexer;
  }

  @Override
  public Response<BinaryResult> apply(ChangeResource change, Input input)
      throws BadRequestException,
          PreconditionFailedException,
          UnprocessableEntityException,
          IOException {
    if (input == null || input.text == null || input.signature == null) {
      throw new BadRequestException("text and signature are needed");
    }
    if (input.text.getBytes(UTF_8).length > RecordStore.TEXT_BYTES
        || input.signature.length() > RecordStore.SIGNATURE_BYTES) {
      throw new BadRequestException(
          "a record has at most %d bytes, its signature %d"
              .formatted(RecordStore.TEXT_BYTES, RecordStore.SIGNATURE_BYTES));
    }
    ObjectId expected = expected(input.expect);
    if (!records.isSigned(input.text, input.signature)) {
      throw new UnprocessableEntityException(
          "no key of plugin.tidegate.recordKey made this signature over this text");
    }
    JsonObject json = new JsonObject();
    try {
      ObjectId commit =
          records.write(change.getProject(), change.getId(), expected, input.text, input.signature);
      json.addProperty("commit", commit.name());
    } catch (RecordConflictException e) {
      throw new PreconditionFailedException(e.getMessage(), e);
    }
    // Dashboards show the requirement as it was when the change was last indexed.
    indexer.index(change.getProject(), change.getId());
    return JsonAnswer.of(Json.bytes(json));
  }

  private static ObjectId expected(String expect) throws BadRequestException {
    if (expect == null) {
      return ObjectId.zeroId();
    }
    try {
      return ObjectId.fromString(expect);
    } catch (InvalidObjectIdException e) {
      throw new BadRequestException("expect must be a commit id or null", e);
    }
  }
}
