package dev.tidegate.gerrit.gate;

import com.google.common.flogger.FluentLogger;
import com.google.gerrit.extensions.events.LifecycleListener;
import com.google.inject.Inject;
import com.google.inject.Singleton;
import dev.tidegate.core.CoreRunner;
import dev.tidegate.core.Health;

/** Starts the core with the plugin, and ends its threads with it. */
@Singleton
final class CoreLifecycle implements LifecycleListener {
  private static final FluentLogger logger = FluentLogger.forEnclosingClass();

  private final CoreRunner core;

  @Inject
  CoreLifecycle(CoreRunner core) {
    this.core = core;
  }

  /** Returns when the core is warm, so that no page waits for that. */
  @Override
  public void start() {
    Health health = core.start();
    if (health.good()) {
      logger.atInfo().log("the core got %d known cases right", health.rightCases());
    } else {
      logger.atSevere().log("nothing is submittable: %s", health.detail());
    }
  }

  @Override
  public void stop() {
    core.stop();
  }
}
