package dev.tidegate.gerrit.record;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import com.google.common.flogger.FluentLogger;
import com.google.gerrit.entities.Change;
import com.google.gerrit.entities.Project;
import com.google.gerrit.server.GerritPersonIdent;
import com.google.gerrit.server.git.GitRepositoryManager;
import com.google.inject.Inject;
import com.google.inject.Provider;
import com.google.inject.Singleton;
import java.io.IOException;
import java.util.Optional;
import org.eclipse.jgit.lib.CommitBuilder;
import org.eclipse.jgit.lib.Constants;
import org.eclipse.jgit.lib.FileMode;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.ObjectInserter;
import org.eclipse.jgit.lib.PersonIdent;
import org.eclipse.jgit.lib.Ref;
import org.eclipse.jgit.lib.RefUpdate;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.lib.TreeFormatter;
import org.eclipse.jgit.revwalk.RevTree;
import org.eclipse.jgit.revwalk.RevWalk;
import org.eclipse.jgit.treewalk.TreeWalk;

/**
 * Records in their refs: commits, each with its predecessor as parent, of a tree with the text and
 * its signature. The signature is checked when a commit is read, whoever wrote it, because a ref is
 * but a file on a disk.
 */
@Singleton
public final class RecordStore {
  private static final FluentLogger logger = FluentLogger.forEnclosingClass();

  /** Largest record in bytes: 2,000 stacks, and what was published of each so far. */
  static final int TEXT_BYTES = 4 << 20;

  /** Largest signature file in bytes: one of 64 bytes in base64, with room. */
  static final int SIGNATURE_BYTES = 128;

  private static final String TEXT_FILE = "record.json";
  private static final String SIGNATURE_FILE = "record.sig";

  /** Characters of all cached records: those of some thousand changes. */
  private static final long CACHE_CHARS = 16 << 20;

  /** Never stale: a commit's id stands for its files, and the keys stay while the plugin runs. */
  private final Cache<ObjectId, Optional<StoredRecord>> cache =
      CacheBuilder.newBuilder()
          .maximumWeight(CACHE_CHARS)
          .weigher(
              (ObjectId commit, Optional<StoredRecord> record) ->
                  1 + record.map(r -> r.text().length()).orElse(0))
          .build();

  private final GitRepositoryManager repositories;
  private final Provider<PersonIdent> gerrit;
  private final RecordKeys keys;

  @Inject
  RecordStore(
      GitRepositoryManager repositories,
      @GerritPersonIdent Provider<PersonIdent> gerrit,
      RecordKeys keys) {
    this.repositories = repositories;
    this.gerrit = gerrit;
    this.keys = keys;
  }

  /** The change's record. One whose signature isn't good counts for none, and is logged. */
  public Optional<StoredRecord> read(Repository repository, Change.Id change) throws IOException {
    ObjectId tip = tip(repository, change);
    if (tip.equals(ObjectId.zeroId())) {
      return Optional.empty();
    }
    Optional<StoredRecord> record = cache.getIfPresent(tip);
    if (record == null) {
      record = signed(repository, tip);
      if (record.isEmpty()) {
        logger.atSevere().log(
            "the record of change %s in %s at %s carries no signature of a configured key",
            change, repository.getDirectory(), tip.name());
      }
      cache.put(tip, record);
    }
    return record;
  }

  /** The same, from the change's project. */
  Optional<StoredRecord> read(Project.NameKey project, Change.Id change) throws IOException {
    try (Repository repository = repositories.openRepository(project)) {
      return read(repository, change);
    }
  }

  /** Whether one of the configured keys made {@code signature} over {@code text}. */
  boolean isSigned(String text, String signature) {
    return keys.accept(text, signature);
  }

  /**
   * Replaces the change's record and returns the id of the new one.
   *
   * @param expected the id of the present record, or zeros if there should be none
   * @throws RecordConflictException if another one is there
   */
  ObjectId write(
      Project.NameKey project, Change.Id change, ObjectId expected, String text, String signature)
      throws IOException, RecordConflictException {
    try (Repository repository = repositories.openRepository(project);
        ObjectInserter inserter = repository.newObjectInserter()) {
      ObjectId found = tip(repository, change);
      if (!found.equals(expected)) {
        throw conflict(expected, found);
      }
      ObjectId commit = insert(inserter, change, expected, text, signature);
      RefUpdate update = repository.updateRef(RecordRef.of(change));
      update.setExpectedOldObjectId(expected);
      update.setNewObjectId(commit);
      update.disableRefLog();
      RefUpdate.Result result = update.update();
      switch (result) {
        case NEW, FAST_FORWARD -> {
          return commit;
        }
        case LOCK_FAILURE -> throw conflict(expected, tip(repository, change));
        default -> throw new IOException("the record's ref could not be moved: " + result);
      }
    }
  }

  private Optional<StoredRecord> signed(Repository repository, ObjectId commit) throws IOException {
    try (RevWalk walk = new RevWalk(repository)) {
      RevTree tree = walk.parseCommit(commit).getTree();
      Optional<String> text = file(walk, tree, TEXT_FILE, TEXT_BYTES);
      Optional<String> signature = file(walk, tree, SIGNATURE_FILE, SIGNATURE_BYTES);
      return text.filter(t -> signature.isPresent() && keys.accept(t, signature.get()))
          .map(t -> new StoredRecord(commit.name(), t));
    }
  }

  private ObjectId insert(
      ObjectInserter inserter, Change.Id change, ObjectId parent, String text, String signature)
      throws IOException {
    TreeFormatter tree = new TreeFormatter();
    tree.append(TEXT_FILE, FileMode.REGULAR_FILE, blob(inserter, text));
    tree.append(SIGNATURE_FILE, FileMode.REGULAR_FILE, blob(inserter, signature));
    CommitBuilder commit = new CommitBuilder();
    commit.setTreeId(inserter.insert(tree));
    if (!parent.equals(ObjectId.zeroId())) {
      commit.setParentId(parent);
    }
    PersonIdent server = gerrit.get();
    commit.setAuthor(server);
    commit.setCommitter(server);
    commit.setMessage("Tidegate's record of change " + change + "\n");
    ObjectId id = inserter.insert(commit);
    inserter.flush();
    return id;
  }

  private static ObjectId blob(ObjectInserter inserter, String text) throws IOException {
    return inserter.insert(Constants.OBJ_BLOB, text.getBytes(UTF_8));
  }

  private static ObjectId tip(Repository repository, Change.Id change) throws IOException {
    Ref ref = repository.exactRef(RecordRef.of(change));
    return ref == null ? ObjectId.zeroId() : ref.getObjectId();
  }

  private static Optional<String> file(RevWalk walk, RevTree tree, String name, int mostBytes)
      throws IOException {
    try (TreeWalk found = TreeWalk.forPath(walk.getObjectReader(), name, tree)) {
      if (found == null) {
        return Optional.empty();
      }
      byte[] bytes =
          walk.getObjectReader()
              .open(found.getObjectId(0), Constants.OBJ_BLOB)
              .getCachedBytes(mostBytes);
      return Optional.of(new String(bytes, UTF_8));
    }
  }

  private static RecordConflictException conflict(ObjectId expected, ObjectId found) {
    return new RecordConflictException(name(expected), name(found));
  }

  private static String name(ObjectId record) {
    return record.equals(ObjectId.zeroId()) ? "no record" : record.name();
  }
}
