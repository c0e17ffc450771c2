package dev.tidegate.gerrit.record;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** The keys that records may be signed with. Several, so that one can follow another. */
final class RecordKeys {
  /** Put before the text, so that a signature of a record is worth nothing anywhere else. */
  private static final String DOMAIN = "tidegate record/v1\n";

  private final List<RecordKey> keys;
  private final List<String> faults;

  private RecordKeys(List<RecordKey> keys, List<String> faults) {
    this.keys = List.copyOf(keys);
    this.faults = List.copyOf(faults);
  }

  /** Reads verifier lines. One that can't be read accepts nothing, and stands in the faults. */
  static RecordKeys parse(Iterable<String> lines) {
    List<RecordKey> keys = new ArrayList<>();
    List<String> faults = new ArrayList<>();
    for (String line : lines) {
      try {
        keys.add(RecordKey.parse(line));
      } catch (RecordKey.BadKeyException e) {
        faults.add(e.getMessage());
      }
    }
    return new RecordKeys(keys, faults);
  }

  /** Whether one of the keys made {@code signature}, in base64, over the record {@code text}. */
  boolean accept(String text, String signature) {
    byte[] bytes;
    try {
      bytes = Base64.getDecoder().decode(signature.strip());
    } catch (IllegalArgumentException e) {
      return false;
    }
    byte[] message = (DOMAIN + text).getBytes(UTF_8);
    return keys.stream().anyMatch(key -> key.accepts(message, bytes));
  }

  /** Names and ids, as {@code name+id}. */
  List<String> ids() {
    return keys.stream().map(key -> key.name() + "+" + key.id()).toList();
  }

  /** What is wrong with the lines that could not be read. */
  List<String> faults() {
    return faults;
  }
}
