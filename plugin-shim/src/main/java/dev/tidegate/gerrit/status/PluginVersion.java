package dev.tidegate.gerrit.status;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/**
 * The versions that the build wrote down.
 *
 * @param plugin the plugin's own
 * @param gerritApi of Gerrit's plugin API that it was built against
 */
record PluginVersion(String plugin, String gerritApi) {
  private static final String RESOURCE = "version.properties";
  private static final String UNKNOWN = "unknown";

  static PluginVersion read() {
    Properties properties = new Properties();
    try (InputStream in = PluginVersion.class.getResourceAsStream(RESOURCE)) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      // The answer is "unknown" then.
    }
    return new PluginVersion(
        properties.getProperty("plugin", UNKNOWN), properties.getProperty("gerrit-api", UNKNOWN));
  }
}
