package dev.tidegate.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * HotSpot never compiles a method of more than 8,000 bytes of bytecode ({@code HugeMethodLimit}):
 * such a part of the core stays interpreted for ever. Each one stands in {@code huge-methods.txt}
 * with the reason why it may.
 */
class HugeMethodsTest {
  private static final int HUGE_METHOD_LIMIT = 8_000;

  private static final Path LIST = Path.of("huge-methods.txt");
  private static final Path CLASSES = Path.of("target/classes/dev/tidegate/core");
  private static final String FUNCTION = "func_";

  @Test
  void eachHugeMethodStandsInTheListWithItsReason() throws IOException {
    SortedMap<String, Integer> huge = new TreeMap<>();
    SortedMap<Integer, String> names = names();
    try (Stream<Path> files = Files.list(CLASSES)) {
      for (Path file : files.filter(HugeMethodsTest::isGenerated).toList()) {
        for (Map.Entry<String, Integer> method : sizes(file).entrySet()) {
          if (method.getValue() > HUGE_METHOD_LIMIT) {
            huge.merge(name(method.getKey(), names), method.getValue(), Math::max);
          }
        }
      }
    }
    assertFalse(
        names.isEmpty(),
        "the core's module has no function names to tell its methods by; build it with"
            + " strip = \"debuginfo\", which keeps them");
    SortedMap<String, String> listed = listed();
    List<String> unlisted = new ArrayList<>();
    Set<String> stale = new TreeSet<>(listed.keySet());
    huge.forEach(
        (name, size) -> {
          List<String> lines = listed.keySet().stream().filter(l -> covers(l, name)).toList();
          lines.forEach(stale::remove);
          if (lines.isEmpty()) {
            unlisted.add(size + " " + name);
          }
        });
    assertEquals(List.of(), unlisted, "methods of more than 8000 bytes that " + LIST + " lacks");
    // A line for all that begin alike is a rule, and may stand while it covers nothing.
    stale.removeIf(line -> line.endsWith("*"));
    assertEquals(Set.of(), stale, "lines of " + LIST + " that no method needs any longer");
  }

  @Test
  void namesAreThoseOfRustsSource() {
    assertEquals("core::fmt::write", FunctionNames.plain("_ZN4core3fmt5write17h0123456789abcdefE"));
    assertEquals(
        "<&T as core::fmt::Debug>::fmt",
        FunctionNames.plain(
            "_ZN42_$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE"));
    assertEquals("cabi_realloc", FunctionNames.plain("cabi_realloc"));
  }

  private static boolean covers(String line, String name) {
    return line.endsWith("*")
        ? name.startsWith(line.substring(0, line.length() - 1))
        : name.equals(line);
  }

  private static SortedMap<String, String> listed() throws IOException {
    SortedMap<String, String> listed = new TreeMap<>();
    for (String line : Files.readAllLines(LIST)) {
      if (!line.isBlank() && !line.startsWith("#")) {
        String[] parts = line.split(" \\| ", 2);
        assertTrue(parts.length == 2 && !parts[1].isBlank(), "no reason: " + line);
        listed.put(parts[0], parts[1]);
      }
    }
    return listed;
  }

  private static boolean isGenerated(Path file) {
    String name = file.getFileName().toString();
    return name.startsWith("CoreModule") && name.endsWith(".class");
  }

  private static Map<String, Integer> sizes(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return MethodSizes.read(in);
    }
  }

  private static SortedMap<Integer, String> names() throws IOException {
    return FunctionNames.read(
        Files.readAllBytes(Path.of(System.getProperty("tidegate.core.wasm"))));
  }

  private static String name(String method, SortedMap<Integer, String> names) {
    return method.startsWith(FUNCTION)
        ? names.getOrDefault(Integer.valueOf(method.substring(FUNCTION.length())), method)
        : method;
  }
}
