package dev.tidegate.gerrit.json;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gerrit.extensions.restapi.BinaryResult;
import com.google.gerrit.extensions.restapi.Response;
import java.io.ByteArrayOutputStream;

/**
 * JSON bytes as an answer of the REST API, unchanged: re-writing them would make other bytes of
 * what the core said or was given.
 */
public final class JsonAnswer {
  /** The line that Gerrit puts before all JSON, against sites that load it as a script. */
  private static final byte[] PREFIX = ")]}'\n".getBytes(UTF_8);

  private JsonAnswer() {}

  /** {@code json}, behind Gerrit's prefix. */
  public static Response<BinaryResult> of(byte[] json) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(PREFIX.length + json.length);
    out.writeBytes(PREFIX);
    out.writeBytes(json);
    return Response.ok(
        BinaryResult.create(out.toByteArray())
            .setContentType("application/json")
            .setCharacterEncoding(UTF_8));
  }
}
