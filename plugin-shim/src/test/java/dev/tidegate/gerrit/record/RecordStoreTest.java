package dev.tidegate.gerrit.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gerrit.entities.Change;
import com.google.gerrit.entities.Project;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.PersonIdent;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.revwalk.RevCommit;
import org.eclipse.jgit.revwalk.RevWalk;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordStoreTest {
  private static final Project.NameKey PROJECT = Project.nameKey("infra");
  private static final Change.Id CHANGE = Change.id(1205);
  private static final ObjectId NONE = ObjectId.zeroId();

  @TempDir private Path folder;

  private TestKey key;
  private TestRepositories repositories;
  private RecordStore store;

  @BeforeEach
  void makeStore() throws Exception {
    key = new TestKey("host.example");
    repositories = new TestRepositories(folder);
    repositories.createRepository(PROJECT).close();
    store = storeWith(key);
  }

  @Test
  void aChangeHasNoRecordAtFirst() throws Exception {
    assertEquals(Optional.empty(), store.read(PROJECT, CHANGE));
  }

  @Test
  void whatWasWrittenIsRead() throws Exception {
    ObjectId commit = write(NONE, "one");
    assertEquals(Optional.of(new StoredRecord(commit.name(), "one")), store.read(PROJECT, CHANGE));
    assertEquals(Optional.empty(), store.read(PROJECT, Change.id(5)));
  }

  @Test
  void theRefEndsInTheChangesNumber() throws Exception {
    ObjectId commit = write(NONE, "one");
    try (Repository repository = repositories.openRepository(PROJECT)) {
      assertEquals(commit, repository.resolve("refs/tidegate/changes/05/1205"));
    }
  }

  @Test
  void eachRecordHasItsPredecessorAsParent() throws Exception {
    ObjectId one = write(NONE, "one");
    ObjectId two = write(one, "two");
    try (Repository repository = repositories.openRepository(PROJECT);
        RevWalk walk = new RevWalk(repository)) {
      RevCommit commit = walk.parseCommit(two);
      assertEquals(
          List.of(one), List.of(commit.getParents()).stream().map(ObjectId::copy).toList());
      assertEquals(0, walk.parseCommit(one).getParentCount());
    }
  }

  @Test
  void aWriterWhoExpectsNoneLearnsWhatIsThere() throws Exception {
    ObjectId one = write(NONE, "one");
    RecordConflictException e =
        assertThrows(RecordConflictException.class, () -> write(NONE, "two"));
    assertEquals(
        "expected no record, found " + one.name() + "; read the record again", e.getMessage());
  }

  @Test
  void aWriterWhoExpectsAnOlderOneLearnsWhatIsThere() throws Exception {
    ObjectId one = write(NONE, "one");
    ObjectId two = write(one, "two");
    RecordConflictException e = assertThrows(RecordConflictException.class, () -> write(one, "x"));
    assertEquals(
        "expected %s, found %s; read the record again".formatted(one.name(), two.name()),
        e.getMessage());
    assertEquals("two", store.read(PROJECT, CHANGE).orElseThrow().text());
  }

  @Test
  void aWriterWhoExpectsOneWhereThereIsNoneLearnsIt() {
    ObjectId other = ObjectId.fromString("65c08a7b0435a3251dc68a174b80349842e36d74");
    RecordConflictException e =
        assertThrows(RecordConflictException.class, () -> write(other, "one"));
    assertEquals(
        "expected " + other.name() + ", found no record; read the record again", e.getMessage());
  }

  @Test
  void aRecordWhoseSignatureIsNotGoodCountsForNone() throws Exception {
    store.write(PROJECT, CHANGE, NONE, "one", key.sign("two"));
    assertEquals(Optional.empty(), store.read(PROJECT, CHANGE));
  }

  @Test
  void aRecordOfAKeyThatIsNoLongerConfiguredCountsForNone() throws Exception {
    write(NONE, "one");
    assertEquals(Optional.empty(), storeWith(new TestKey("next.example")).read(PROJECT, CHANGE));
  }

  private ObjectId write(ObjectId expected, String text) throws Exception {
    return store.write(PROJECT, CHANGE, expected, text, key.sign(text));
  }

  private RecordStore storeWith(TestKey trusted) throws Exception {
    return new RecordStore(
        repositories,
        () -> new PersonIdent("Gerrit", "gerrit@example.com"),
        RecordKeys.parse(List.of(trusted.line())));
  }
}
