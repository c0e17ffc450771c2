import com.google.gerrit.pgm.util.AbstractProgram;
import java.util.Arrays;

/** Runs one of Gerrit's programs, e.g. {@code Boot Daemon -d SITE}, as the war's launcher does. */
public final class Boot {
  public static void main(String[] arguments) throws Exception {
    AbstractProgram program =
        Class.forName("com.google.gerrit.pgm." + arguments[0])
            .asSubclass(AbstractProgram.class)
            .getDeclaredConstructor()
            .newInstance();
    int status = program.main(Arrays.copyOfRange(arguments, 1, arguments.length));
    // The daemon's threads go on after its main method; only a failure ends the process.
    if (status != 0) {
      System.exit(status);
    }
  }

  private Boot() {}
}
