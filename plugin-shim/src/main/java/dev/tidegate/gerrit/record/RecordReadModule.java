package dev.tidegate.gerrit.record;

import com.google.common.flogger.FluentLogger;
import com.google.gerrit.extensions.annotations.PluginName;
import com.google.gerrit.server.config.PluginConfigFactory;
import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import java.util.List;

/** Binds what it takes to read records, which offline programs need as well. */
public final class RecordReadModule extends AbstractModule {
  private static final FluentLogger logger = FluentLogger.forEnclosingClass();

  /** In gerrit.config, section {@code plugin.tidegate}; may stand there several times. */
  private static final String KEY = "recordKey";

  @Provides
  @Singleton
  RecordKeys keys(PluginConfigFactory configs, @PluginName String plugin) {
    String[] lines = configs.getFromGerritConfig(plugin).getStringList(KEY);
    RecordKeys keys = RecordKeys.parse(List.of(lines));
    for (String fault : keys.faults()) {
      logger.atSevere().log("plugin.%s.%s in gerrit.config: %s", plugin, KEY, fault);
    }
    return keys;
  }
}
