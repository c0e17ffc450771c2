package dev.tidegate.gerrit.record;

import com.google.gerrit.entities.Change;

/**
 * Names of Tidegate's refs. The plugin refuses every push to them. Reading them is closed by rights
 * alone: Gerrit 3.13 asks no plugin what a fetch may see.
 */
public final class RecordRef {
  /** Everything of Tidegate's own in a project. */
  public static final String RESERVED = "refs/tidegate/";

  private RecordRef() {}

  /** {@code refs/tidegate/changes/NN/NNNN}, where NN is the number's last two digits. */
  static String of(Change.Id change) {
    return "%schanges/%02d/%d".formatted(RESERVED, change.get() % 100, change.get());
  }
}
