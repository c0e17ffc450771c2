package dev.tidegate.gerrit.status;

import static com.google.gerrit.server.config.ConfigResource.CONFIG_KIND;

import com.google.gerrit.extensions.restapi.RestApiModule;

/** Binds the endpoint that shows the plugin's status. */
public final class StatusModule extends RestApiModule {
  @Override
  protected void configure() {
    get(CONFIG_KIND, "status").to(GetStatus.class);
  }
}
