package dev.tidegate.gerrit.journal;

import com.google.gson.JsonObject;
import com.google.inject.Inject;
import com.google.inject.Singleton;
import java.io.IOException;

/** What the status endpoint says of the journal. */
@Singleton
public final class JournalStatus {
  private final EventJournal events;

  @Inject
  JournalStatus(EventJournal events) {
    this.events = events;
  }

  /** {@code {"id", "first", "last"}}, or {@code {"error"}}. */
  public JsonObject json() {
    JsonObject status = new JsonObject();
    try {
      Page state = events.journal().state();
      status.addProperty("id", state.journal());
      status.addProperty("first", state.first());
      status.addProperty("last", state.last());
    } catch (IOException e) {
      status.addProperty("error", String.valueOf(e.getMessage()));
    }
    return status;
  }
}
