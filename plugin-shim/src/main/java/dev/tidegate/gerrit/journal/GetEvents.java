package dev.tidegate.gerrit.journal;

import com.google.gerrit.common.Nullable;
import com.google.gerrit.extensions.annotations.CapabilityScope;
import com.google.gerrit.extensions.annotations.RequiresCapability;
import com.google.gerrit.extensions.restapi.BadRequestException;
import com.google.gerrit.extensions.restapi.BinaryResult;
import com.google.gerrit.extensions.restapi.ResourceConflictException;
import com.google.gerrit.extensions.restapi.Response;
import com.google.gerrit.extensions.restapi.RestReadView;
import com.google.gerrit.server.config.ConfigResource;
import com.google.gerrit.server.config.GerritInstanceId;
import com.google.gson.Gson;
import com.google.inject.Inject;
import dev.tidegate.gerrit.json.JsonAnswer;
import java.io.IOException;
import java.time.Duration;
import org.kohsuke.args4j.Option;

/** {@code GET /config/server/tidegate~events?after=N&limit=M&wait=S}. */
@RequiresCapability(value = FollowEvents.NAME, scope = CapabilityScope.PLUGIN)
final class GetEvents implements RestReadView<ConfigResource> {
  /** Most events in an answer, and the number unless told otherwise. */
  private static final int MOST_EVENTS = 1_000;

  /** Longest wait in seconds: below the minute after which proxies give up. */
  private static final int LONGEST_WAIT = 50;

  private final EventJournal events;
  private final String instance;

  private long after;
  private int limit = MOST_EVENTS;
  private int wait;

  @Inject
  GetEvents(EventJournal events, @GerritInstanceId @Nullable String instanceId) {
    this.events = events;
    this.instance = new Gson().toJson(instanceId);
  }

  @Option(name = "--after", usage = "number of the last event that is known; 0 at first")
  void setAfter(long after) {
    this.after = after;
  }

  @Option(name = "--limit", usage = "most events in the answer, 1 to 1000")
  void setLimit(int limit) {
    this.limit = limit;
  }

  @Option(name = "--wait", usage = "seconds to wait for an event if there is none, 0 to 50")
  void setWait(int wait) {
    this.wait = wait;
  }

  @Override
  public Response<BinaryResult> apply(ConfigResource server)
      throws BadRequestException, ResourceConflictException {
    if (after < 0 || limit < 1 || limit > MOST_EVENTS || wait < 0 || wait > LONGEST_WAIT) {
      throw new BadRequestException(
          "after must be 0 or more, limit 1 to %d, wait 0 to %d"
              .formatted(MOST_EVENTS, LONGEST_WAIT));
    }
    try {
      Page page = events.journal().after(after, limit, Duration.ofSeconds(wait));
      return JsonAnswer.of(page.json(instance));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ResourceConflictException("interrupted while waiting for an event", e);
    } catch (IOException e) {
      throw new ResourceConflictException("the journal can't be read: " + e.getMessage(), e);
    }
  }
}
