package dev.tidegate.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tidegate.core.KnownCases.Case;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CoreRunnerTest {
  private static final byte[] INPUT = {7};

  /** Longer than any machine needs for a call of the fake, and short enough to wait for. */
  private static final long LIMIT_MS = 2_000;

  private CoreRunner runner;

  @AfterEach
  void stop() {
    runner.stop();
  }

  @Test
  void theBundledCasesComeOutRight() throws Exception {
    runner = new CoreRunner(KnownCases.bundled());
    Health health = runner.start();
    assertTrue(health.good(), health.detail());
    assertTrue(health.rightCases() > 0);
    assertTrue(runner.call(Verb.DESCRIBE, new byte[0]).length > 0);
  }

  @Test
  void nothingIsAnsweredBeforeTheStart() {
    runner = fake(FakeCore::echoing);
    assertRefused("the core has not been started");
  }

  @Test
  void nothingIsAnsweredAfterTheStop() {
    runner = fake(FakeCore::echoing);
    runner.start();
    runner.stop();
    assertRefused("the core has been stopped");
  }

  @Test
  void nothingIsAnsweredByAJvmThatComputesWrongly() {
    KnownCases wrong =
        new KnownCases(List.of(new Case("decide", "a", "ok", "00")), FakeCore::echoing);
    runner = new CoreRunner(wrong, FakeCore::echoing, LIMIT_MS);
    assertFalse(runner.start().good());
    assertRefused("this JVM computes wrongly");
  }

  @Test
  void nothingIsAnsweredByACoreThatCannotBeLinked() {
    KnownCases cases = cases(FakeCore::echoing);
    runner =
        new CoreRunner(
            cases,
            () -> {
              throw new NoClassDefFoundError("dev/tidegate/core/CoreModuleMachine");
            },
            LIMIT_MS);
    runner.start();
    assertRefused("the core failed: java.lang.NoClassDefFoundError");
  }

  @Test
  void callsThatDoNotEndAreEndedAndFreeTheirThreads() throws Exception {
    runner = fake(FakeCore::echoing);
    runner.start();
    // One more than there are threads, so that one of them ends before it has begun.
    try (ExecutorService requests = Executors.newCachedThreadPool()) {
      List<Callable<byte[]>> endless = Collections.nCopies(5, () -> runner.call(Verb.PLAN, INPUT));
      for (Future<byte[]> call : requests.invokeAll(endless)) {
        ExecutionException e = assertThrows(ExecutionException.class, call::get);
        assertEquals(
            "the core did not answer within " + LIMIT_MS + " ms", e.getCause().getMessage());
      }
    }
    assertArrayEquals(INPUT, runner.call(Verb.DECIDE, INPUT));
  }

  @Test
  void anInterruptedRequestGetsNoAnswerAndStaysInterrupted() {
    runner = fake(FakeCore::echoing);
    runner.start();
    Thread.currentThread().interrupt();
    assertRefused("the request was interrupted");
    assertTrue(Thread.interrupted());
  }

  private static CoreRunner fake(Supplier<Core> cores) {
    return new CoreRunner(cases(cores), cores, LIMIT_MS);
  }

  private static KnownCases cases(Supplier<Core> cores) {
    try {
      return new KnownCases(List.of(KnownCases.compute(cores, "decide", "a")), cores);
    } catch (CoreException e) {
      throw new AssertionError(e);
    }
  }

  private void assertRefused(String why) {
    CoreException e = assertThrows(CoreException.class, () -> runner.call(Verb.DECIDE, INPUT));
    assertTrue(e.getMessage().startsWith(why), e.getMessage());
  }
}
