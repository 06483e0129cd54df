use super::*;
use crate::model::packet::Mark;

fn asks(within: &str) -> BulkMatch {
    toml::from_str(&format!("of = [\"fin.*\"]\nwhat = \"cards\"\nleast = 3\nwithin = \"{within}\"")).unwrap()
}

fn cell(content: Option<&'static str>) -> Cell<'static> {
    Cell {
        flow: FlowId(1),
        direction: Direction::ToClient,
        content,
        resource: "customers",
        path: "postgresql.row.card_no",
        name: "card_no",
    }
}

fn add(tallies: &mut Tallies, within: &str, content: Option<&'static str>, values: std::ops::Range<usize>) -> usize {
    let span = Span::at(Mark::default());
    let rule = RuleIndex(7);
    values.filter(|n| tallies.count(rule, &asks(within), &cell(content), &n.to_be_bytes(), span)).count()
}

#[test]
fn a_column_is_told_of_once_it_has_enough_different_values_and_whenever_it_grows() {
    let mut tallies = Tallies::default();
    add(&mut tallies, "answer", None, 0..2);
    add(&mut tallies, "answer", None, 0..2);
    assert!(tallies.grown(FlowId(1)).is_empty());
    add(&mut tallies, "answer", None, 2..3);
    let told = tallies.grown(FlowId(1));
    let bulk = &told[0].bulk;
    assert_eq!((bulk.values, bulk.rows, bulk.column.as_str(), told[0].again), (3, 5, "customers.card_no", false));
    assert!(tallies.grown(FlowId(1)).is_empty());
    add(&mut tallies, "answer", None, 0..9);
    let told = tallies.grown(FlowId(1));
    assert_eq!((told[0].bulk.values, told[0].again), (9, true));
}

#[test]
fn rows_belong_together_until_the_other_side_speaks() {
    let mut tallies = Tallies::default();
    add(&mut tallies, "answer", None, 0..2);
    tallies.turn(FlowId(1), Direction::ToClient);
    assert!(!tallies.is_empty());
    tallies.turn(FlowId(1), Direction::ToServer);
    assert!(tallies.is_empty());
    add(&mut tallies, "answer", None, 2..4);
    assert!(tallies.grown(FlowId(1)).is_empty());
}

#[test]
fn content_belongs_together_until_other_content_begins_in_its_place() {
    let mut tallies = Tallies::default();
    add(&mut tallies, "answer", Some("http.response.body"), 0..4);
    tallies.turn(FlowId(1), Direction::ToServer);
    tallies.begin(FlowId(1), Direction::ToClient, "http.response.body", "orders");
    assert_eq!(tallies.grown(FlowId(1))[0].bulk.values, 4);
    tallies.begin(FlowId(1), Direction::ToClient, "http.response.body", "customers");
    assert!(tallies.is_empty());
}

#[test]
fn a_stream_of_messages_is_counted_as_one() {
    let mut tallies = Tallies::default();
    for n in 0..4 {
        tallies.begin(FlowId(1), Direction::ToClient, "hl7.message", "customers");
        add(&mut tallies, "stream", Some("hl7.message"), n..n + 1);
        tallies.turn(FlowId(1), Direction::ToServer);
    }
    let told = tallies.grown(FlowId(1));
    assert!(told[0].bulk.stream && told[0].bulk.values == 4);
    tallies.forget(FlowId(1));
    assert!(tallies.is_empty());
}

#[test]
fn of_a_long_column_only_the_first_values_are_findings_and_the_count_has_an_end() {
    let mut tallies = Tallies::default();
    assert_eq!(add(&mut tallies, "answer", None, 0..5000), limits::COLUMN_FINDINGS);
    add(&mut tallies, "answer", None, 5000..limits::COUNTED_VALUES + 5);
    let told = tallies.grown(FlowId(1));
    assert!(told[0].bulk.more && told[0].bulk.values == limits::COUNTED_VALUES as u64);
    assert_eq!(told[0].bulk.rows, limits::COUNTED_VALUES as u64 + 5);
}
