package dev.tidegate.gerrit.record;

import com.google.gerrit.extensions.config.CapabilityDefinition;

/** The right to replace records: for the account of the host, and for nobody else. */
final class WriteRecord extends CapabilityDefinition {
  /** As project.config spells it after the plugin's name: {@code tidegate-writeRecord}. */
  static final String NAME = "writeRecord";

  @Override
  public String getDescription() {
    return "Write Tidegate's Records";
  }
}
