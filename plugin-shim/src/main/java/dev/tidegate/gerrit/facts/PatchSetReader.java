package dev.tidegate.gerrit.facts;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import com.google.gerrit.entities.Account;
import com.google.gerrit.server.account.Emails;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.inject.Inject;
import com.google.inject.Singleton;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.revwalk.RevCommit;
import org.eclipse.jgit.revwalk.RevWalk;
import org.eclipse.jgit.treewalk.EmptyTreeIterator;
import org.eclipse.jgit.treewalk.TreeWalk;
import org.eclipse.jgit.treewalk.filter.TreeFilter;

/** Reads what git says of a patch set. */
@Singleton
final class PatchSetReader {
  /** As many changed paths as the core matches. */
  private static final int MOST_PATHS = 200_000;

  /** Paths in all cached lists: some 20 MiB. */
  private static final long CACHE_PATHS = 200_000;

  /** A commit's id stands for its trees, in whatever project. */
  private final Cache<ObjectId, JsonArray> cache =
      CacheBuilder.newBuilder()
          .maximumWeight(CACHE_PATHS)
          .weigher((ObjectId commit, JsonArray paths) -> 1 + paths.size())
          .build();

  private final Emails emails;

  @Inject
  PatchSetReader(Emails emails) {
    this.emails = emails;
  }

  JsonObject read(Repository repository, ObjectId id) throws FactsException {
    try (RevWalk walk = new RevWalk(repository)) {
      RevCommit commit = walk.parseCommit(id);
      JsonArray parents = new JsonArray(commit.getParentCount());
      for (RevCommit parent : commit.getParents()) {
        parents.add(parent.name());
      }
      JsonObject facts = new JsonObject();
      facts.addProperty("revision", commit.name());
      facts.add("parents", parents);
      facts.add("paths", paths(walk, commit));
      facts.add("contributors", contributors(commit));
      return facts;
    } catch (IOException e) {
      throw new FactsException("commit " + id.name() + " can't be read", e);
    }
  }

  /** Paths that differ from the first parent, or all of a root commit's, sorted by bytes. */
  private JsonArray paths(RevWalk walk, RevCommit commit) throws IOException, FactsException {
    JsonArray cached = cache.getIfPresent(commit);
    if (cached != null) {
      return cached;
    }
    List<byte[]> found = new ArrayList<>();
    try (TreeWalk trees = new TreeWalk(walk.getObjectReader())) {
      if (commit.getParentCount() == 0) {
        trees.addTree(new EmptyTreeIterator());
      } else {
        trees.addTree(walk.parseCommit(commit.getParent(0)).getTree());
      }
      trees.addTree(commit.getTree());
      trees.setRecursive(true);
      trees.setFilter(TreeFilter.ANY_DIFF);
      while (trees.next()) {
        if (found.size() == MOST_PATHS) {
          throw new FactsException(
              "commit %s changes more than %d paths".formatted(commit.name(), MOST_PATHS));
        }
        found.add(trees.getRawPath());
      }
    }
    // A tree walk's order is almost this one: there a folder sorts as if it ended with a slash.
    found.sort(Arrays::compareUnsigned);
    JsonArray paths = new JsonArray(found.size());
    found.forEach(path -> paths.add(new String(path, UTF_8)));
    cache.put(commit.copy(), paths);
    return paths;
  }

  private JsonArray contributors(RevCommit commit) throws IOException {
    TreeSet<Integer> accounts = new TreeSet<>();
    String author = commit.getAuthorIdent().getEmailAddress();
    String committer = commit.getCommitterIdent().getEmailAddress();
    for (Account.Id account : emails.getAccountsFor(author, committer).values()) {
      accounts.add(account.get());
    }
    JsonArray json = new JsonArray(accounts.size());
    accounts.forEach(json::add);
    return json;
  }
}
