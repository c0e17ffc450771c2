package dev.tidegate.gerrit.gate;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.Optional;

/**
 * One thing that stands against going on.
 *
 * @param code its stable name
 * @param text a sentence for people
 * @param cure what would change it
 * @param stack the stack that it is about
 */
record Reason(String code, String text, Optional<String> cure, Optional<String> stack) {
  static Reason read(JsonObject json) {
    return new Reason(
        text(json, "code").orElseThrow(),
        text(json, "text").orElseThrow(),
        text(json, "cure"),
        text(json, "stack"));
  }

  JsonObject json() {
    JsonObject json = new JsonObject();
    json.addProperty("code", code);
    stack.ifPresent(id -> json.addProperty("stack", id));
    json.addProperty("text", text);
    cure.ifPresent(what -> json.addProperty("cure", what));
    return json;
  }

  /** The reason in one line. */
  String line() {
    return about() + text + cure.map(what -> " (" + what + ")").orElse("");
  }

  /** The reason with its code, and its cure in a line of its own. */
  String paragraph() {
    String first = "* %s%s [%s]\n".formatted(about(), text, code);
    return first + cure.map(what -> "  What would change it: " + what + "\n").orElse("");
  }

  private String about() {
    return stack.map(id -> id + ": ").orElse("");
  }

  private static Optional<String> text(JsonObject object, String name) {
    JsonElement element = object.get(name);
    return element == null || element.isJsonNull()
        ? Optional.empty()
        : Optional.of(element.getAsString());
  }
}
