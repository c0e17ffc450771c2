package dev.tidegate.gerrit.facts;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.tidegate.gerrit.json.Json;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * What the core asks for, given a change's history and settings. The plugin fetches that and
 * nothing else, and so doesn't know what matters.
 */
record Needs(
    boolean ours,
    SortedSet<Integer> patchSets,
    SortedSet<String> labels,
    SortedSet<Integer> accounts,
    SortedSet<String> groups) {

  /** Reads the answer of the verb {@code needs}. */
  static Needs read(byte[] answer) throws FactsException {
    try {
      JsonObject json = Json.object(answer);
      return new Needs(
          json.get("ours").getAsBoolean(),
          set(json, "patch_sets", JsonElement::getAsInt),
          set(json, "labels", JsonElement::getAsString),
          set(json, "accounts", JsonElement::getAsInt),
          set(json, "groups", JsonElement::getAsString));
    } catch (RuntimeException e) {
      // Gson throws one of five kinds, depending on what is amiss.
      throw new FactsException("the core's answer to needs can't be understood", e);
    }
  }

  private static <T> SortedSet<T> set(
      JsonObject json, String name, Function<JsonElement, T> element) {
    SortedSet<T> set = new TreeSet<>();
    json.getAsJsonArray(name).forEach(item -> set.add(element.apply(item)));
    return set;
  }
}
