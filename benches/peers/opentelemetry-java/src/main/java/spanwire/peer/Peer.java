package spanwire.peer;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessorBuilder;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** opentelemetry-java as a program uses it: its SDK, its batch processor, its OTLP exporter over HTTP. */
public final class Peer implements Sender {
  private static final int QUEUE_SPANS = 32_768;
  private static final long MOST_OUTSTANDING = 16_384;

  private static final AttributeKey<String> METHOD = AttributeKey.stringKey("http.request.method");
  private static final AttributeKey<String> PATH = AttributeKey.stringKey("url.path");
  private static final AttributeKey<Long> STATUS = AttributeKey.longKey("http.response.status_code");
  private static final AttributeKey<Double> LOAD = AttributeKey.doubleKey("server.load");
  private static final AttributeKey<Boolean> HIT = AttributeKey.booleanKey("cache.hit");

  private static final AttributeKey<String> KEY_0 = AttributeKey.stringKey("benchmark.attr.key.0");
  private static final AttributeKey<String> KEY_1 = AttributeKey.stringKey("benchmark.attr.key.1");
  private static final AttributeKey<String> KEY_2 = AttributeKey.stringKey("benchmark.attr.key.2");
  private static final AttributeKey<String> KEY_3 = AttributeKey.stringKey("benchmark.attr.key.3");
  private static final AttributeKey<String> KEY_4 = AttributeKey.stringKey("benchmark.attr.key.4");
  private static final AttributeKey<String> KEY_5 = AttributeKey.stringKey("benchmark.attr.key.5");
  private static final AttributeKey<String> KEY_6 = AttributeKey.stringKey("benchmark.attr.key.6");
  private static final AttributeKey<String> KEY_7 = AttributeKey.stringKey("benchmark.attr.key.7");
  private static final AttributeKey<String> KEY_8 = AttributeKey.stringKey("benchmark.attr.key.8");
  private static final AttributeKey<String> KEY_9 = AttributeKey.stringKey("benchmark.attr.key.9");

  private final SdkTracerProvider provider;
  private final Tracer tracer;
  private final Consumer<Tracer> workload;

  private Peer(Order order) {
    workload =
        switch (order.workload()) {
          case "W5" -> Peer::w5;
          case "W10" -> Peer::w10;
          default -> throw new IllegalArgumentException("no workload " + order.workload());
        };
    OtlpHttpSpanExporter exporter =
        OtlpHttpSpanExporter.builder().setEndpoint(order.endpoint()).setCompression(order.compression()).build();
    BatchSpanProcessorBuilder processor = BatchSpanProcessor.builder(exporter).setMaxQueueSize(QUEUE_SPANS);
    if (order.batch() > 0) {
      processor.setMaxExportBatchSize(order.batch());
    }
    provider =
        SdkTracerProvider.builder()
            .setResource(Resource.getDefault().toBuilder().put("service.name", "bench").build())
            .addSpanProcessor(processor.build())
            .build();
    tracer = provider.tracerBuilder("bench").setInstrumentationVersion("1.0").build();
  }

  public static void main(String[] arguments) throws Exception {
    try {
      Order order = Order.of(arguments);
      Peer peer = new Peer(order);
      new Run(peer, new Mirror(order.mirror())).measure(order);
      peer.provider.close();
      System.exit(0); // the HTTP client's threads would keep it for a minute
    } catch (IllegalArgumentException | IllegalStateException error) {
      System.err.println(error.getMessage());
      System.exit(1);
    }
  }

  @Override
  public void step() {
    for (int i = 0; i < STEP_SPANS; i++) {
      workload.accept(tracer);
    }
  }

  @Override
  public void flush() {
    provider.forceFlush().join(30, TimeUnit.SECONDS);
  }

  @Override
  public long mostOutstanding() {
    return MOST_OUTSTANDING;
  }

  private static void w5(Tracer tracer) {
    Span span = tracer.spanBuilder("GET /users/{id}").setSpanKind(SpanKind.SERVER).startSpan();
    try (Scope current = span.makeCurrent()) {
      span.setAttribute(METHOD, "GET");
      span.setAttribute(PATH, "/users/42");
      span.setAttribute(STATUS, 200L);
      span.setAttribute(LOAD, 0.42);
      span.setAttribute(HIT, true);
    } finally {
      span.end();
    }
  }

  private static void w10(Tracer tracer) {
    Span span = tracer.spanBuilder("benchmark.span.name").startSpan();
    try (Scope current = span.makeCurrent()) {
      span.setAttribute(KEY_0, "benchmark.value.00.0");
      span.setAttribute(KEY_1, "benchmark.value.00.1");
      span.setAttribute(KEY_2, "benchmark.value.00.2");
      span.setAttribute(KEY_3, "benchmark.value.00.3");
      span.setAttribute(KEY_4, "benchmark.value.00.4");
      span.setAttribute(KEY_5, "benchmark.value.00.5");
      span.setAttribute(KEY_6, "benchmark.value.00.6");
      span.setAttribute(KEY_7, "benchmark.value.00.7");
      span.setAttribute(KEY_8, "benchmark.value.00.8");
      span.setAttribute(KEY_9, "benchmark.value.00.9");
    } finally {
      span.end();
    }
  }
}
