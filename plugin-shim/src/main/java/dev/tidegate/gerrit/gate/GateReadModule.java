package dev.tidegate.gerrit.gate;

import com.google.gerrit.extensions.annotations.Exports;
import com.google.gerrit.lifecycle.LifecycleModule;
import com.google.gerrit.server.query.change.ChangeQueryBuilder.ChangeHasOperandFactory;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import dev.tidegate.core.CoreRunner;
import dev.tidegate.core.KnownCases;

/** Binds the operand and the core behind it, which offline programs need as well. */
public final class GateReadModule extends LifecycleModule {
  @Override
  protected void configure() {
    listener().to(CoreLifecycle.class);
    bind(ChangeHasOperandFactory.class)
        .annotatedWith(Exports.named(ReadyOperand.NAME))
        .to(ReadyOperand.class);
  }

  @Provides
  @Singleton
  CoreRunner core() {
    return new CoreRunner(KnownCases.bundled());
  }
}
