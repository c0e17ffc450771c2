package dev.tidegate.core;

import java.util.Locale;

/** The verbs of the core: the functions of the interface {@code tidegate:core/rules}. */
public enum Verb {
  /** What this core is. Takes nothing. */
  DESCRIBE,
  /** What an event means. */
  CLASSIFY,
  /** The effective settings of a project. */
  SETTINGS,
  /** Which facts a decision needs. */
  NEEDS,
  /** The deployment plan. */
  PLAN,
  /** The canonical steps of a preview. */
  STEPS,
  /** Whether approved steps cover fresh ones. */
  COVERS,
  /** Whether a held engine may go on. */
  ADMIT,
  /** Whether a step of an update may go on. */
  ALLOW,
  /** What an update carried out. */
  RAN,
  /** The verdict. */
  DECIDE,
  /** The next state of a subject. */
  ADVANCE;

  private static final String INTERFACE = "tidegate:core/rules@0.1.0#";

  /** The verb as the interface spells it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The verb that the interface spells {@code word}.
   *
   * @throws CoreException if there is none
   */
  static Verb of(String word) throws CoreException {
    for (Verb verb : values()) {
      if (verb.word().equals(word)) {
        return verb;
      }
    }
    throw new CoreException("the core has no verb " + word);
  }

  /** The name of the module's export that carries the verb out. */
  String export() {
    return INTERFACE + word();
  }

  /** The name of the export that frees what {@link #export()} returned. */
  String freeingExport() {
    return "cabi_post_" + export();
  }
}
