package dev.tidegate.core;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The names of a module's functions, from its custom section {@code name} (WebAssembly core
 * specification, appendix "Custom Sections"), as Rust's source has them.
 */
final class FunctionNames {
  private static final int HEADER_BYTES = 8;
  private static final int CUSTOM_SECTION = 0;
  private static final int FUNCTION_NAMES = 1;

  /** Rust's legacy mangling ends each name with a hash, which is another one in each build. */
  private static final Pattern HASH = Pattern.compile("h[0-9a-f]{16}");

  private static final Pattern ESCAPE = Pattern.compile("\\$([A-Za-z0-9]+)\\$");

  private FunctionNames() {}

  /** Names by function index; empty for a module that carries none. */
  static SortedMap<Integer, String> read(byte[] module) {
    ByteBuffer bytes = ByteBuffer.wrap(module).position(HEADER_BYTES);
    while (bytes.hasRemaining()) {
      int id = bytes.get();
      ByteBuffer section = part(bytes);
      if (id == CUSTOM_SECTION && text(section).equals("name")) {
        return functions(section);
      }
    }
    return new TreeMap<>();
  }

  private static SortedMap<Integer, String> functions(ByteBuffer section) {
    SortedMap<Integer, String> names = new TreeMap<>();
    while (section.hasRemaining()) {
      int id = section.get();
      ByteBuffer part = part(section);
      if (id == FUNCTION_NAMES) {
        for (int left = number(part); left > 0; left--) {
          int index = number(part);
          names.put(index, plain(text(part)));
        }
      }
    }
    return names;
  }

  /** {@code _ZN4core3fmt5write17h0123456789abcdefE} as {@code core::fmt::write}. */
  static String plain(String mangled) {
    if (!mangled.startsWith("_ZN") || !mangled.endsWith("E")) {
      return mangled;
    }
    List<String> path = new ArrayList<>();
    int at = 3;
    while (at < mangled.length() - 1) {
      int digits = at;
      while (Character.isDigit(mangled.charAt(digits))) {
        digits++;
      }
      int end = digits + Integer.parseInt(mangled, at, digits, 10);
      path.add(mangled.substring(digits, end));
      at = end;
    }
    if (HASH.matcher(path.getLast()).matches()) {
      path.removeLast();
    }
    return unescaped(String.join("::", path));
  }

  private static String unescaped(String name) {
    Matcher escapes = ESCAPE.matcher(name.replace("_$", "$").replace("..", "::"));
    return escapes.replaceAll(escape -> Matcher.quoteReplacement(symbol(escape.group(1))));
  }

  private static String symbol(String escape) {
    return switch (escape) {
      case "LT" -> "<";
      case "GT" -> ">";
      case "LP" -> "(";
      case "RP" -> ")";
      case "RF" -> "&";
      case "BP" -> "*";
      case "SP" -> "@";
      case "C" -> ",";
      default -> Character.toString(Integer.parseInt(escape.substring(1), 16));
    };
  }

  private static ByteBuffer part(ByteBuffer bytes) {
    int length = number(bytes);
    ByteBuffer part = bytes.slice(bytes.position(), length);
    bytes.position(bytes.position() + length);
    return part;
  }

  private static String text(ByteBuffer bytes) {
    return UTF_8.decode(part(bytes)).toString();
  }

  /** An unsigned LEB128 number. */
  private static int number(ByteBuffer bytes) {
    int number = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = bytes.get();
      number |= (next & 0x7f) << shift;
      if (next >= 0) {
        return number;
      }
    }
  }
}
