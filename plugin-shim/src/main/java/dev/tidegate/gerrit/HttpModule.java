package dev.tidegate.gerrit;

import com.google.gerrit.extensions.registration.DynamicSet;
import com.google.gerrit.extensions.webui.JavaScriptPlugin;
import com.google.gerrit.extensions.webui.WebUiPlugin;
import com.google.inject.AbstractModule;

/** The script of the Checks tab. It names no servlet class, so that any servlet API loads it. */
public final class HttpModule extends AbstractModule {
  @Override
  protected void configure() {
    DynamicSet.bind(binder(), WebUiPlugin.class).toInstance(new JavaScriptPlugin("tidegate.js"));
  }
}
