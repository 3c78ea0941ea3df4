// opentelemetry-go as a program uses it: its SDK, its batch processor, its OTLP exporter over HTTP.
package main

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	queueSpans      = 32_768
	mostOutstanding = 16_384
)

type pipeline struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	workload func(context.Context, trace.Tracer)
}

func connect(asked order) (sender, error) {
	workload, known := map[string]func(context.Context, trace.Tracer){"W5": w5, "W10": w10}[asked.workload]
	if !known {
		return nil, fmt.Errorf("no workload %s", asked.workload)
	}
	compression := otlptracehttp.NoCompression
	if asked.gzip {
		compression = otlptracehttp.GzipCompression
	}
	exporter, err := otlptracehttp.New(context.Background(),
		otlptracehttp.WithEndpointURL(asked.endpoint), otlptracehttp.WithCompression(compression))
	if err != nil {
		return nil, err
	}
	batching := []sdktrace.BatchSpanProcessorOption{sdktrace.WithMaxQueueSize(queueSpans)}
	if asked.batch > 0 {
		batching = append(batching, sdktrace.WithMaxExportBatchSize(asked.batch))
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "bench"))),
		sdktrace.WithBatcher(exporter, batching...))
	tracer := provider.Tracer("bench", trace.WithInstrumentationVersion("1.0"))
	return &pipeline{provider, tracer, workload}, nil
}

func (p *pipeline) step() {
	ctx := context.Background()
	for range stepSpans {
		p.workload(ctx, p.tracer)
	}
}

func (p *pipeline) flush() error { return p.provider.ForceFlush(context.Background()) }

func (p *pipeline) mostOutstanding() uint64 { return mostOutstanding }

// The context that Start gives is what makes a span current in Go.
func w5(ctx context.Context, tracer trace.Tracer) {
	_, span := tracer.Start(ctx, "GET /users/{id}", trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	span.SetAttributes(attribute.String("http.request.method", "GET"))
	span.SetAttributes(attribute.String("url.path", "/users/42"))
	span.SetAttributes(attribute.Int("http.response.status_code", 200))
	span.SetAttributes(attribute.Float64("server.load", 0.42))
	span.SetAttributes(attribute.Bool("cache.hit", true))
}

func w10(ctx context.Context, tracer trace.Tracer) {
	_, span := tracer.Start(ctx, "benchmark.span.name")
	defer span.End()
	span.SetAttributes(attribute.String("benchmark.attr.key.0", "benchmark.value.00.0"))
	span.SetAttributes(attribute.String("benchmark.attr.key.1", "benchmark.value.00.1"))
	span.SetAttributes(attribute.String("benchmark.attr.key.2", "benchmark.value.00.2"))
	span.SetAttributes(attribute.String("benchmark.attr.key.3", "benchmark.value.00.3"))
	span.SetAttributes(attribute.String("benchmark.attr.key.4", "benchmark.value.00.4"))
	span.SetAttributes(attribute.String("benchmark.attr.key.5", "benchmark.value.00.5"))
	span.SetAttributes(attribute.String("benchmark.attr.key.6", "benchmark.value.00.6"))
	span.SetAttributes(attribute.String("benchmark.attr.key.7", "benchmark.value.00.7"))
	span.SetAttributes(attribute.String("benchmark.attr.key.8", "benchmark.value.00.8"))
	span.SetAttributes(attribute.String("benchmark.attr.key.9", "benchmark.value.00.9"))
}
