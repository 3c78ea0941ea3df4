package spanwire.peer;

import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** The harness's protocol: README.md in the folder above the peer's says it in words. */
final class Run {
  private static final long WARM_SPANS = 4096;

  /** What the compilers need to be done with it: they are threads of this process, too. */
  private static final long COMPILED_SPANS = 400_000;

  private static final double CALIBRATED_NS = 100e6;
  /** Longer than others: a request takes 40 ms, and looking every 2 would be a fifth of the CPU. */
  private static final long PAUSE_MS = 20;
  private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(30);

  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private final Sender sender;
  private final Mirror mirror;
  private long made;

  Run(Sender sender, Mirror mirror) {
    this.sender = sender;
    this.mirror = mirror;
  }

  void measure(Order order) throws IOException, InterruptedException {
    taken(1);
    System.out.println("sampled");
    new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).readLine();

    taken(COMPILED_SPANS);
    long spans = order.spans();
    if (spans == 0) {
      double cpu = 0;
      for (long count = WARM_SPANS; cpu < CALIBRATED_NS; count *= 2) {
        long before = made;
        cpu = taken(count);
        spans = Math.round((made - before) * order.seconds() * 1e9 / cpu);
      }
    }
    System.gc(); // of what the warm-up left behind; measured is only what spans leave
    long before = made;
    long cpu = taken(spans);
    System.out.printf("{\"spans\": %d, \"cpu_ns\": %d, \"made\": %d}%n", made - before, cpu, made);
  }

  /** CPU of so many spans, in ns, from the first to the delivery of the last. */
  private long taken(long count) throws InterruptedException {
    long begin = SYSTEM.getProcessCpuTime();
    long most = sender.mostOutstanding() - Sender.STEP_SPANS;
    for (long end = made + count; made < end; made += Sender.STEP_SPANS) {
      await(most);
      sender.step();
    }
    sender.flush();
    await(0);
    return SYSTEM.getProcessCpuTime() - begin;
  }

  /** Asleep while more than so many spans are made and not received. */
  private void await(long outstanding) throws InterruptedException {
    if (made <= mirror.received() + outstanding) {
      return;
    }
    long begin = System.nanoTime();
    while (made > mirror.received() + outstanding) {
      if (System.nanoTime() - begin > PATIENCE_NS) {
        throw new IllegalStateException(
            "spans were lost: %d spans made, %d received".formatted(made, mirror.received()));
      }
      Thread.sleep(PAUSE_MS);
    }
  }
}
