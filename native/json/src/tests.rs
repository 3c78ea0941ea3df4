//! Laws of both directions together, and what is refused where.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{JsonError, traces_from_wire, traces_to_wire};

fn to_wire(json: &str) -> Result<Vec<u8>, JsonError> {
    let mut out = Vec::new();
    traces_to_wire(json.as_bytes(), &mut out)?;
    spanwire_wire::validate(spanwire_wire::Signal::Traces, &out).expect("what was converted is valid");
    Ok(out)
}

fn from_wire(wire: &[u8]) -> String {
    let mut out = Vec::new();
    traces_from_wire(wire, &mut out).expect("valid");
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn with_span(members: &str) -> String {
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{members}}}]}}]}}]}}"#)
}

fn with_value(value: &str) -> String {
    with_span(&format!(
        r#""attributes":[{{"key":"k","value":{value}}}],"status":{{}}"#
    ))
}

fn nested_arrays(depth: usize) -> String {
    let open = r#"{"arrayValue":{"values":["#.repeat(depth);
    with_value(&format!(r#"{open}{{"boolValue":true}}{}"#, "]}}".repeat(depth)))
}

/// The error's path and text.
#[track_caller]
fn refused(json: &str) -> (String, String) {
    let error = to_wire(json).expect_err("malformed");
    (error.path().to_owned(), error.to_string())
}

#[test]
fn whole_request_comes_back_as_written() {
    let text = concat!(
        r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}],"#,
        r#""droppedAttributesCount":1,"entityRefs":[{"schemaUrl":"s","type":"service","idKeys":["service.name"],"#,
        r#""descriptionKeys":["d"]}]},"scopeSpans":[{"scope":{"name":"lib","version":"1","attributes":[],"#,
        r#""droppedAttributesCount":2},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","#,
        r#""spanId":"eee19b7ec3c1b174","traceState":"a=b","parentSpanId":"eee19b7ec3c1b173","flags":769,"name":"é\n","#,
        r#""kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"18446744073709551615","#,
        r#""attributes":[{"key":"","value":{"intValue":"-9223372036854775808"}},{"key":"d","value":{"doubleValue":0.1}},"#,
        r#"{"key":"n","value":{"doubleValue":"NaN"}},{"key":"i","value":{"doubleValue":"-Infinity"}},"#,
        r#"{"key":"b","value":{"bytesValue":"AAE="}},{"key":"null","value":{}},{"key":"m","value":{"kvlistValue":"#,
        r#"{"values":[{"key":"x","value":{"boolValue":false}}]}}},{"key":"a","value":{"arrayValue":{"values":["#,
        r#"{"stringValue":""},{}]}}}],"droppedAttributesCount":3,"events":[{"timeUnixNano":"5","name":"e","#,
        r#""attributes":[{"key":"k","value":{"boolValue":true}}],"droppedAttributesCount":4}],"droppedEventsCount":5,"#,
        r#""links":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","traceState":"c=d","#,
        r#""attributes":[{"key":"k","value":{"intValue":"0"}}],"droppedAttributesCount":6,"flags":256}],"#,
        r#""droppedLinksCount":7,"status":{"message":"no","code":2}}],"schemaUrl":"https://s"}],"schemaUrl":"https://r"}]}"#,
    );
    let written = from_wire(&to_wire(text).expect("valid"));
    assert_eq!(written, text.replace(r#""attributes":[],"#, ""));
}

#[test]
fn names_may_come_in_any_order_and_unknown_ones_are_skipped() {
    let known = to_wire(&with_span(r#""name":"n","kind":3"#)).expect("valid");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let other = with_span(&format!(
        r#""span_id":7,"nested":{deep},"kind":3,"name":"n","traceState":null"#
    ));
    assert_eq!(from_wire(&to_wire(&other).expect("valid")), from_wire(&known));
}

#[test]
fn numbers_are_taken_in_every_form_that_has_their_value() {
    for text in ["\"7\"", "7", "7.0", "70e-1"] {
        let wire = to_wire(&with_value(&format!("{{\"intValue\":{text}}}"))).expect(text);
        assert_eq!(from_wire(&wire), with_value("{\"intValue\":\"7\"}"));
    }
    for (text, written) in [("1", "1.0"), ("\"1.5\"", "1.5"), ("-0.0", "-0.0"), ("5e-324", "5e-324")] {
        let wire = to_wire(&with_value(&format!("{{\"doubleValue\":{text}}}"))).expect(text);
        assert_eq!(from_wire(&wire), with_value(&format!("{{\"doubleValue\":{written}}}")));
    }
}

#[test]
fn value_out_of_range_or_of_another_type_is_refused_with_its_place() {
    for members in [
        r#""kind":"SPAN_KIND_SERVER""#,
        r#""kind":"2""#,
        r#""kind":2147483648"#,
        r#""name":7"#,
        r#""name":["a"]"#,
        r#""flags":-1"#,
        r#""flags":4294967296"#,
        r#""droppedLinksCount":1.5"#,
        r#""startTimeUnixNano":-1"#,
        r#""startTimeUnixNano":"18446744073709551616""#,
        r#""startTimeUnixNano":" 1""#,
        r#""startTimeUnixNano":"+1""#,
        r#""traceId":"5b8e""#,
        r#""spanId":"W47/95gDgQPSabYzgT/GDA==""#,
        r#""attributes":{}"#,
        r#""attributes":[null]"#,
        r#""status":[]"#,
        r#""events":true"#,
    ] {
        let name = members.split('"').nth(1).expect("a name");
        let (path, text) = refused(&with_span(members));
        let expected = format!("resourceSpans[0].scopeSpans[0].spans[0].{name}");
        assert!(path.starts_with(&expected), "{members}: {text}");
        assert!(text.contains("expected at line 1 column"), "{members}: {text}");
    }
    for value in [
        r#"{"intValue":9223372036854775808}"#,
        r#"{"boolValue":"true"}"#,
        r#"{"boolValue":1}"#,
        r#"{"bytesValue":"A"}"#,
        r#"{"doubleValue":"inf"}"#,
        r#"{"doubleValue":"1e999"}"#,
        r#"{"doubleValue":""}"#,
        r#"{"stringValue":"a","intValue":1}"#,
        r#"{"arrayValue":{"values":[null]}}"#,
    ] {
        let (path, text) = refused(&with_value(value));
        assert!(path.contains("attributes[0].value"), "{value}: {text}");
    }
}

#[test]
fn error_does_not_repeat_the_text_it_is_about() {
    let (_, text) = refused(&with_span(r#""traceId":"my secret""#));
    assert!(
        !text.contains("secret") && text.contains("a string of 9 bytes where 32 hex digits"),
        "{text}"
    );
}

#[test]
fn field_given_twice_is_refused() {
    let (path, text) = refused(&with_span(r#""name":"a","name":"b""#));
    assert_eq!(path, "resourceSpans[0].scopeSpans[0].spans[0].name");
    assert!(text.contains("given twice"), "{text}");
}

#[test]
fn null_is_the_same_as_nothing() {
    let nothing = to_wire(&with_span("")).expect("valid");
    let null = with_span(r#""name":null,"attributes":null,"status":null,"kind":null"#);
    assert_eq!(to_wire(&null).expect("valid"), nothing);
    assert!(to_wire(r#"{"resourceSpans":null}"#).expect("valid").is_empty());
}

#[test]
fn values_nest_as_deep_as_the_readers_allow_and_no_deeper() {
    to_wire(&nested_arrays(64)).expect("as deep as allowed");
    let (_, text) = refused(&nested_arrays(65));
    assert!(text.contains("nested more than 64 deep"), "{text}");
    refused(&nested_arrays(100_000));
}

#[test]
fn text_cut_anywhere_is_refused() {
    let whole = with_value(r#"{"doubleValue":1}"#);
    for length in 0..whole.len() {
        refused(&whole[..length]);
    }
    refused(&format!("{whole}x"));
}

#[test]
fn output_is_untouched_by_an_error() {
    let mut out = b"kept".to_vec();
    traces_to_wire(br#"{"resourceSpans":[{},7]}"#, &mut out).expect_err("malformed");
    traces_from_wire(&[0x0a, 0xff], &mut out).expect_err("malformed");
    assert_eq!(out, b"kept");
}

fn text() -> impl Strategy<Value = Value> {
    any::<String>().prop_map(Value::from)
}

fn id(digits: usize) -> impl Strategy<Value = Value> {
    prop::collection::vec(prop::char::ranges(vec!['0'..='9', 'a'..='f'].into()), digits)
        .prop_map(|digits| Value::from(digits.into_iter().collect::<String>()))
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({})),
        text().prop_map(|text| json!({"stringValue": text})),
        any::<bool>().prop_map(|truth| json!({"boolValue": truth})),
        any::<i64>().prop_map(|number| json!({"intValue": number.to_string()})),
        any::<f64>().prop_map(|number| json!({"doubleValue": number})),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|values| json!({"arrayValue": {"values": values}})),
            prop::collection::vec((text(), inner), 0..4).prop_map(|entries| {
                let values: Vec<_> = entries
                    .into_iter()
                    .map(|(key, value)| json!({"key": key, "value": value}))
                    .collect();
                json!({"kvlistValue": {"values": values}})
            }),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Value> {
    prop::collection::vec((text(), any_value()), 0..4).prop_map(|entries| {
        entries
            .into_iter()
            .map(|(key, value)| json!({"key": key, "value": value}))
            .collect()
    })
}

fn span() -> impl Strategy<Value = Value> {
    let times = (any::<u64>(), any::<u64>());
    (
        id(32),
        id(16),
        text(),
        0..7_i32,
        times,
        attributes(),
        attributes(),
        any::<u32>(),
        text(),
    )
        .prop_map(
            |(trace, span, name, kind, (start, end), attributes, others, count, message)| {
                json!({
                    "traceId": trace, "spanId": span, "name": name, "kind": kind, "flags": count,
                    "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string(),
                    "attributes": attributes,
                    "events": [{"name": name, "timeUnixNano": start.to_string(), "attributes": others}],
                    "links": [{"traceId": trace, "spanId": span, "flags": count, "attributes": others}],
                    "droppedEventsCount": count,
                    "status": {"message": message, "code": kind},
                })
            },
        )
}

/// The same members in another order.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: &Map<String, Value> = members;
            let mut texts: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{}:{}", json!(name), reversed(value)))
                .collect();
            texts.reverse();
            format!("{{{}}}", texts.join(","))
        }
        Value::Array(elements) => {
            format!("[{}]", elements.iter().map(reversed).collect::<Vec<_>>().join(","))
        }
        scalar => scalar.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 100 }, ..ProptestConfig::default() })]

    #[test]
    fn spans_come_back_whatever_the_order_of_names(spans in prop::collection::vec(span(), 0..4)) {
        let request = json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]});
        let text = request.to_string();
        let written = from_wire(&to_wire(&text).expect("valid"));
        let other = from_wire(&to_wire(&reversed(&request)).expect("valid"));
        prop_assert_eq!(&written, &other);
        let again = to_wire(&written).expect("what we write we read");
        prop_assert_eq!(written, from_wire(&again));
    }

    #[test]
    fn any_text_is_taken_or_refused(text in ".{0,60}", at in 0..400_usize) {
        let _ = to_wire(&text);
        let mut json = with_value(r#"{"arrayValue":{"values":[{"intValue":"1"},{"bytesValue":"AA=="}]}}"#);
        let at = at % json.len();
        json.replace_range(at..=at, &text);
        let _ = to_wire(&json);
    }
}
