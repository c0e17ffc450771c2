package dev.tidegate.gerrit.gate;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.tidegate.gerrit.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A verdict of the core, or what the plugin says where there is none.
 *
 * @param submittable whether Gerrit may go on
 * @param outcome {@code ready}, {@code not-ours}, {@code waiting} or {@code refused}
 * @param summary one line for people
 * @param reasons what stands against it
 * @param json the whole verdict
 */
record Verdict(
    boolean submittable, String outcome, String summary, List<Reason> reasons, byte[] json) {
  /** The number of the form that is read and written. */
  private static final int SCHEMA = 1;

  private static final Set<String> OUTCOMES = Set.of("ready", "not-ours", "waiting", "refused");

  /** The code of the reason of a refusal that the core did not make. */
  private static final String NO_VERDICT = "no-verdict";

  /** Reads the core's answer; one that can't be understood becomes a refusal that says so. */
  static Verdict read(byte[] json) {
    try {
      JsonObject verdict = Json.object(json);
      int schema = verdict.get("schema").getAsInt();
      String outcome = verdict.get("outcome").getAsString();
      JsonPrimitive submittable = verdict.getAsJsonPrimitive("submittable");
      // Gson itself would take any text for false, and any other schema for this one.
      if (schema != SCHEMA || !OUTCOMES.contains(outcome) || !submittable.isBoolean()) {
        return refused(
            "its verdict has the schema %d, the outcome %s and submittable %s"
                .formatted(schema, outcome, submittable));
      }
      List<Reason> reasons = new ArrayList<>();
      for (JsonElement reason : verdict.getAsJsonArray("reasons")) {
        reasons.add(Reason.read(reason.getAsJsonObject()));
      }
      String summary = verdict.get("summary").getAsString();
      return new Verdict(submittable.getAsBoolean(), outcome, summary, reasons, json);
    } catch (RuntimeException e) {
      // Gson throws one of five kinds, depending on what is amiss.
      return refused("its verdict can't be understood: " + e.getMessage());
    }
  }

  /** A refusal for want of a verdict. */
  static Verdict refused(String why) {
    Reason reason =
        new Reason(
            NO_VERDICT,
            "Tidegate can't decide: " + why,
            Optional.of("ask the operators of Tidegate"),
            Optional.empty());
    return of(false, "refused", reason.text(), List.of(reason));
  }

  /** The pass of what Tidegate has no say in, for want of a verdict. */
  static Verdict notOurs(String why) {
    return of(true, "not-ours", why, List.of());
  }

  /** All reasons in one line, or the summary if nothing stands against it. */
  String line() {
    return reasons.isEmpty()
        ? summary
        : reasons.stream().map(Reason::line).collect(Collectors.joining("; "));
  }

  /** The verdict as a text for people. */
  String explanation() {
    StringBuilder text = new StringBuilder();
    text.append(submittable ? "submittable: " : outcome + ", not submittable: ");
    text.append(summary).append('\n');
    reasons.forEach(reason -> text.append('\n').append(reason.paragraph()));
    return text.toString();
  }

  private static Verdict of(
      boolean submittable, String outcome, String summary, List<Reason> reasons) {
    JsonArray array = new JsonArray();
    reasons.forEach(reason -> array.add(reason.json()));
    JsonObject json = new JsonObject();
    json.addProperty("schema", SCHEMA);
    json.addProperty("submittable", submittable);
    json.addProperty("outcome", outcome);
    json.addProperty("summary", summary);
    json.add("reasons", array);
    json.add("stacks", new JsonObject());
    return new Verdict(submittable, outcome, summary, reasons, Json.bytes(json));
  }
}
