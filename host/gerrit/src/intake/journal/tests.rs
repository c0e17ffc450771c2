//! A journal that is read, lost, cut and broken.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::testing::{Fake, Reply, Request};
use std::sync::{Arc, Mutex};

fn answer(journal: &str, seqs: &[u64], first: u64, last: u64) -> Reply {
    let events: Vec<String> = seqs
        .iter()
        .map(|seq| format!("{{\"seq\":{seq},\"event\":{{\"type\": \"x\",\"n\":{seq}.0}}}}"))
        .collect();
    Reply::Json(format!(
        "{{\"journal\":\"{journal}\",\"instance\":\"one\",\"events\":[{}],\"first\":{first},\"last\":{last}}}",
        events.join(",")
    ))
}

/// Follows a journal that gives these answers and then nothing, until `count` batches came.
async fn batches(answers: Vec<Reply>, from: Option<Position>, count: usize) -> (Vec<Batch>, Fake) {
    let answers = Mutex::new(answers.into_iter());
    let fake =
        Fake::start(move |_: &Request| answers.lock().unwrap().next().unwrap_or(Reply::Silence))
            .await;
    let (stop, stopped) = watch::channel(false);
    let taken = Arc::new(Mutex::new(Vec::new()));
    let sink = |batch: Batch| {
        let mut taken = taken.lock().unwrap();
        taken.push(batch);
        if taken.len() == count {
            stop.send(true).unwrap();
        }
        async { Ok::<(), std::convert::Infallible>(()) }
    };
    let config = JournalConfig {
        wait: Duration::from_secs(7),
        backoff: Backoff::new(Duration::from_millis(1), Duration::from_millis(2)),
    };
    follow(&fake.client(), config, from, stopped, sink).await.unwrap();
    (Arc::try_unwrap(taken).unwrap().into_inner().unwrap(), fake)
}

fn at(journal: &str, seq: u64) -> Option<Position> {
    Some(Position { journal: journal.to_owned(), seq })
}

fn seqs(batch: &Batch) -> Vec<u64> {
    batch.events.iter().filter_map(|event| event.seq).collect()
}

#[tokio::test]
async fn events_are_taken_as_their_bytes_from_where_it_stopped() {
    let (batches, fake) = batches(
        vec![answer("j", &[6, 7], 1, 7), answer("j", &[], 1, 7), answer("j", &[8], 1, 8)],
        at("j", 5),
        2,
    )
    .await;
    assert_eq!(batches.iter().map(seqs).collect::<Vec<_>>(), [vec![6, 7], vec![8]]);
    assert_eq!(batches.first().unwrap().position, at("j", 7));
    assert_eq!(batches.first().unwrap().gap, None);
    assert_eq!(
        batches.first().unwrap().events.first().unwrap().bytes,
        b"{\"type\": \"x\",\"n\":6.0}"
    );
    let asked =
        |after: u64| format!("GET /a/config/server/tidegate~events?after={after}&limit=500&wait=7");
    assert_eq!(fake.asked().get(..3).unwrap(), [asked(5), asked(7), asked(7)]);
}

#[tokio::test]
async fn without_a_position_it_begins_at_the_present_end() {
    let (batches, fake) =
        batches(vec![answer("j", &[1], 1, 90), answer("j", &[91], 1, 91)], None, 2).await;
    let start = Batch {
        source: Source::Journal,
        events: Vec::new(),
        gap: Some(Gap::Started),
        position: at("j", 90),
    };
    assert_eq!(batches.first(), Some(&start));
    assert_eq!(batches.last().map(seqs), Some(vec![91]));
    assert!(fake.asked().first().unwrap().ends_with("after=0&limit=1&wait=0"));
}

#[tokio::test]
async fn another_journal_is_a_gap_and_read_from_its_start() {
    let (batches, fake) =
        batches(vec![answer("k", &[], 1, 3), answer("k", &[1, 2, 3], 1, 3)], at("j", 5), 2).await;
    assert_eq!(batches.first().unwrap().gap, Some(Gap::NewJournal));
    assert_eq!(batches.first().unwrap().position, at("k", 0));
    assert_eq!(batches.last().map(seqs), Some(vec![1, 2, 3]));
    assert!(fake.asked().get(1).unwrap().contains("after=0&"));
}

#[tokio::test]
async fn a_journal_that_went_back_is_a_gap() {
    let (batches, _) = batches(vec![answer("j", &[], 1, 3)], at("j", 5), 1).await;
    assert_eq!(batches.first().unwrap().gap, Some(Gap::NewJournal));
    assert_eq!(batches.first().unwrap().position, at("j", 0));
}

#[tokio::test]
async fn pruned_events_are_a_gap_that_names_them() {
    let (found, _) = batches(vec![answer("j", &[9, 10], 9, 10)], at("j", 5), 1).await;
    assert_eq!(found.first().unwrap().gap, Some(Gap::Missing { first: 6, last: 8 }));
    assert_eq!(found.first().map(seqs), Some(vec![9, 10]));
    let (found, _) = batches(vec![answer("j", &[], 9, 10)], at("j", 5), 1).await;
    assert_eq!(found.first().unwrap().gap, Some(Gap::Missing { first: 6, last: 8 }));
    assert_eq!(found.first().unwrap().position, at("j", 8));
    let (found, _) =
        batches(vec![answer("j", &[], 5, 4), answer("j", &[], 9, 8)], at("j", 4), 1).await;
    assert_eq!(found.first().unwrap().gap, Some(Gap::Missing { first: 5, last: 8 }));
}

#[tokio::test]
async fn a_hole_in_the_middle_is_a_gap_and_a_repetition_is_left_out() {
    let (batches, _) = batches(vec![answer("j", &[5, 6, 6, 9], 1, 9)], at("j", 5), 1).await;
    assert_eq!(batches.first().map(seqs), Some(vec![6, 9]));
    assert_eq!(batches.first().unwrap().gap, Some(Gap::Missing { first: 7, last: 8 }));
}

#[tokio::test]
async fn failures_are_waited_out() {
    let failures = vec![
        Reply::Text(503, "busy"),
        Reply::Text(404, "Not found: tidegate~events"),
        Reply::Text(401, "Unauthorized"),
        Reply::Raw(String::new()),
        Reply::Json("{\"journal\":".to_owned()),
        Reply::Full(200, "Content-Type: text/html\r\n", "<html>".to_owned()),
        answer("j", &[6], 1, 6),
    ];
    let (batches, fake) = batches(failures, at("j", 5), 1).await;
    assert_eq!(batches.first().map(seqs), Some(vec![6]));
    assert_eq!(fake.asked().len(), 7);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_asked_for_in_smaller_ones() {
    let huge = || Reply::Json(format!("\"{}\"", "x".repeat(ANSWER_BYTES)));
    let (found, fake) = batches(vec![huge(), huge(), answer("j", &[6], 1, 7)], at("j", 5), 1).await;
    assert_eq!(found.first().map(seqs), Some(vec![6]));
    let limits: Vec<bool> = [500, 250, 125]
        .iter()
        .zip(fake.asked())
        .map(|(limit, asked)| asked.contains(&format!("limit={limit}&")))
        .collect();
    assert_eq!(limits, [true; 3]);
    let (found, _) = batches(
        vec![huge(); 9].into_iter().chain([answer("j", &[7], 1, 7)]).collect(),
        at("j", 5),
        2,
    )
    .await;
    assert_eq!(found.first().unwrap().gap, Some(Gap::TooLarge));
    assert_eq!(found.first().unwrap().position, at("j", 6));
    assert_eq!(found.last().map(seqs), Some(vec![7]));
}

#[tokio::test]
async fn it_does_not_go_on_when_events_cannot_be_kept() {
    let fake = Fake::start(|_| answer("j", &[6], 1, 6)).await;
    let (_stop, stopped) = watch::channel(false);
    let sink = |_: Batch| async { Err("disk full") };
    let ended = follow(&fake.client(), JournalConfig::default(), at("j", 5), stopped, sink).await;
    assert_eq!(ended, Err("disk full"));
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn it_stops_during_a_poll_and_when_nobody_is_left_to_stop_it() {
    let fake = Fake::start(|_| Reply::Silence).await;
    let (stop, stopped) = watch::channel(false);
    drop(stop);
    let sink = |_: Batch| async { Ok::<(), ()>(()) };
    follow(&fake.client(), JournalConfig::default(), at("j", 5), stopped, sink).await.unwrap();
}
