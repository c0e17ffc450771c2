package dev.tidegate.gerrit.journal;

import static com.google.gerrit.server.config.ConfigResource.CONFIG_KIND;

import com.google.gerrit.extensions.annotations.Exports;
import com.google.gerrit.extensions.config.CapabilityDefinition;
import com.google.gerrit.extensions.registration.DynamicSet;
import com.google.gerrit.extensions.restapi.RestApiModule;
import com.google.gerrit.lifecycle.LifecycleModule;
import com.google.gerrit.server.events.EventListener;

/** Binds the journal: its listener, its endpoint and the right to use it. */
public final class JournalModule extends LifecycleModule {
  @Override
  protected void configure() {
    listener().to(EventJournal.class);
    DynamicSet.bind(binder(), EventListener.class).to(EventJournal.class);
    bind(CapabilityDefinition.class)
        .annotatedWith(Exports.named(FollowEvents.NAME))
        .to(FollowEvents.class);
    install(
        new RestApiModule() {
          @Override
          protected void configure() {
            get(CONFIG_KIND, "events").to(GetEvents.class);
          }
        });
  }
}
