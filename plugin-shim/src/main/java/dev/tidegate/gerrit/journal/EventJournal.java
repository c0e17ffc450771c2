package dev.tidegate.gerrit.journal;

import com.google.common.flogger.FluentLogger;
import com.google.gerrit.entities.RefNames;
import com.google.gerrit.extensions.annotations.PluginData;
import com.google.gerrit.extensions.events.LifecycleListener;
import com.google.gerrit.server.events.Event;
import com.google.gerrit.server.events.EventGson;
import com.google.gerrit.server.events.EventListener;
import com.google.gerrit.server.events.RefUpdatedEvent;
import com.google.gson.Gson;
import com.google.inject.Inject;
import com.google.inject.Singleton;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Writes each event of Gerrit to the journal, in the form of the SSH event stream.
 *
 * <p>One kind is left out: {@code ref-updated} of a change's meta ref. It comes beside every other
 * event of that change, says nothing more, and would be most of the journal.
 */
@Singleton
final class EventJournal implements EventListener, LifecycleListener {
  private static final FluentLogger logger = FluentLogger.forEnclosingClass();

  /**
   * Largest event that is kept, in characters. Gerrit's are a few kilobytes; one with a message of
   * megabytes is left out, and found by the host's next comparison as any lost event is.
   */
  private static final int EVENT_CHARS = 1 << 20;

  private final Gson gson;
  private final Journal journal;

  @Inject
  EventJournal(@EventGson Gson gson, @PluginData Path data) {
    this.gson = gson;
    this.journal = new Journal(data.resolve("journal"), JournalLimits.SERVER);
  }

  /** Never throws: Gerrit calls it within the request that made the event. */
  @Override
  public void onEvent(Event event) {
    try {
      if (isMetaUpdate(event)) {
        return;
      }
      String json = gson.toJson(event);
      if (json.length() > EVENT_CHARS) {
        logger.atWarning().log(
            "event %s of %d characters not journalled", event.getType(), json.length());
        return;
      }
      journal.append(json);
    } catch (IOException | RuntimeException e) {
      // Followers find out by comparing, as they do after any loss.
      logger.atSevere().withCause(e).log("event %s not journalled", event.getType());
    }
  }

  @Override
  public void start() {
    // The journal opens with its first use; see there.
  }

  @Override
  public void stop() {
    try {
      journal.close();
    } catch (IOException e) {
      logger.atSevere().withCause(e).log("the journal could not be closed well");
    }
  }

  Journal journal() {
    return journal;
  }

  private static boolean isMetaUpdate(Event event) {
    return event instanceof RefUpdatedEvent update
        && update.getRefName().startsWith(RefNames.REFS_CHANGES)
        && update.getRefName().endsWith(RefNames.META_SUFFIX);
  }
}
