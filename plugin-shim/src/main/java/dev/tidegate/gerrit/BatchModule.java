package dev.tidegate.gerrit;

import com.google.inject.AbstractModule;
import dev.tidegate.gerrit.gate.GateReadModule;
import dev.tidegate.gerrit.record.RecordReadModule;

/** What offline programs need: an index keeps the results of submit requirements. */
public final class BatchModule extends AbstractModule {
  @Override
  protected void configure() {
    install(new GateReadModule());
    install(new RecordReadModule());
  }
}
