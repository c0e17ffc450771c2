package dev.tidegate.gerrit.facts;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import com.google.gerrit.entities.Change;
import com.google.gerrit.entities.Project;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.inject.Singleton;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.PersonIdent;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.revwalk.RevCommit;
import org.eclipse.jgit.revwalk.RevWalk;

/** Reads the history of a change: the commits of its meta ref, which the core parses itself. */
@Singleton
final class MetaLogReader {
  /** As many as the core reads; Gerrit itself refuses more than 1,000 updates of a change. */
  private static final int MOST_COMMITS = 5_000;

  /** Characters of all cached histories: those of some thousand changes under review. */
  private static final long CACHE_CHARS = 16 << 20;

  private record Key(Project.NameKey project, ObjectId tip) {}

  private record Log(JsonObject json, int chars) {}

  /** Never stale: a commit's id stands for all its ancestors. */
  private final Cache<Key, Log> cache =
      CacheBuilder.newBuilder()
          .maximumWeight(CACHE_CHARS)
          .weigher((Key key, Log log) -> log.chars())
          .build();

  /**
   * The history up to {@code tip}, oldest commit first. The result is shared: it must not be
   * changed.
   */
  JsonObject read(Repository repository, Project.NameKey project, Change.Id change, ObjectId tip)
      throws FactsException {
    Key key = new Key(project, tip.copy());
    Log log = cache.getIfPresent(key);
    if (log == null) {
      try (RevWalk walk = new RevWalk(repository)) {
        log = walk(walk, change, tip);
      } catch (IOException e) {
        throw new FactsException("the history of change " + change + " can't be read", e);
      }
      cache.put(key, log);
    }
    return log.json();
  }

  private static Log walk(RevWalk walk, Change.Id change, ObjectId tip)
      throws IOException, FactsException {
    Deque<JsonObject> oldestFirst = new ArrayDeque<>();
    int chars = 0;
    RevCommit commit = walk.parseCommit(tip);
    while (true) {
      oldestFirst.addFirst(json(commit));
      chars += commit.getRawBuffer().length;
      if (commit.getParentCount() == 0) {
        break;
      }
      if (commit.getParentCount() > 1 || oldestFirst.size() == MOST_COMMITS) {
        throw new FactsException(
            "the history of change %s is not one line of at most %d updates"
                .formatted(change, MOST_COMMITS));
      }
      commit = walk.parseCommit(commit.getParent(0));
    }
    JsonArray commits = new JsonArray(oldestFirst.size());
    oldestFirst.forEach(commits::add);
    JsonObject log = new JsonObject();
    log.addProperty("tip", tip.name());
    log.add("commits", commits);
    return new Log(log, chars);
  }

  private static JsonObject json(RevCommit commit) {
    PersonIdent author = commit.getAuthorIdent();
    JsonObject json = new JsonObject();
    json.addProperty("id", commit.name());
    json.addProperty("author", author.getEmailAddress());
    json.addProperty("time", author.getWhenAsInstant().getEpochSecond());
    json.addProperty("message", commit.getFullMessage());
    return json;
  }
}
