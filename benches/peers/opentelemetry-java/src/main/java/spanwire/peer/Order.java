package spanwire.peer;

import java.nio.file.Path;

/**
 * What the harness asks for, in the order of the arguments.
 *
 * @param endpoint where traces go: the whole URL
 * @param spans in the measured round; 0: as many as take {@code seconds} of CPU
 * @param batch spans a request; 0: the peer's default
 * @param compression {@code none} or {@code gzip}
 */
record Order(String workload, String endpoint, Path mirror, long spans, double seconds, int batch, String compression) {
  static Order of(String[] arguments) {
    if (arguments.length != 7) {
      throw new IllegalArgumentException(
          "arguments: WORKLOAD ENDPOINT MIRROR SPANS SECONDS BATCH COMPRESSION");
    }
    return new Order(
        arguments[0],
        arguments[1],
        Path.of(arguments[2]),
        Long.parseLong(arguments[3]),
        Double.parseDouble(arguments[4]),
        Integer.parseInt(arguments[5]),
        arguments[6]);
  }
}
