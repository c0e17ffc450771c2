package dev.tidegate.gerrit.json;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;

/** Reading and writing the core's JSON. */
public final class Json {
  /** Nulls are written: the core's forms name each of their fields. */
  private static final Gson GSON =
      new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

  private Json() {}

  /** The element as compact UTF-8; an object's fields in the order in which they were added. */
  public static byte[] bytes(JsonElement element) {
    return GSON.toJson(element).getBytes(UTF_8);
  }

  /**
   * Reads an object.
   *
   * @throws JsonParseException if the bytes are anything else
   */
  public static JsonObject object(byte[] bytes) {
    JsonElement element = JsonParser.parseString(new String(bytes, UTF_8));
    if (!element.isJsonObject()) {
      throw new JsonParseException("an object was expected");
    }
    return element.getAsJsonObject();
  }
}
