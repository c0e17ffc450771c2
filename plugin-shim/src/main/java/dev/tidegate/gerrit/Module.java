package dev.tidegate.gerrit;

import com.google.inject.AbstractModule;
import dev.tidegate.gerrit.facts.FactsModule;
import dev.tidegate.gerrit.gate.GateModule;
import dev.tidegate.gerrit.journal.JournalModule;
import dev.tidegate.gerrit.record.RecordModule;
import dev.tidegate.gerrit.status.StatusModule;

/** What the plugin adds to a running server. */
public final class Module extends AbstractModule {
  @Override
  protected void configure() {
    install(new BatchModule());
    install(new FactsModule());
    install(new GateModule());
    install(new JournalModule());
    install(new RecordModule());
    install(new StatusModule());
  }
}
