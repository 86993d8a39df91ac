use super::*;

fn row(ix: usize) -> QueueRow<'static> {
    QueueRow {
        ix,
        hash: Some(ContentHash::of(&ix.to_le_bytes())),
        ..QueueRow::default()
    }
}

fn said(choice: Choice) -> State {
    State {
        decision: Some(choice),
        ..State::default()
    }
}

#[track_caller]
fn check(queue: &Queue, rows: &[QueueRow<'_>], want: &[usize]) {
    let found: Vec<usize> = queue.run(rows).iter().map(|place| place.ix.0).collect();
    assert_eq!(found, want, "{}", queue.name);
}

#[test]
fn filters_and_people_meet_in_four_cells() {
    let (accept, reject, skip) = (
        said(Choice::Accept),
        said(Choice::Reject),
        said(Choice::Skip),
    );
    let ben = Text::from("ben");
    let rows = [
        QueueRow {
            published: Verdict::Accept,
            strict: Verdict::Reject,
            mine: Some(&accept),
            ..row(0)
        },
        QueueRow {
            published: Verdict::Accept,
            strict: Verdict::Accept,
            mine: Some(&reject),
            ..row(1)
        },
        QueueRow {
            published: Verdict::Reject,
            strict: Verdict::Accept,
            mine: Some(&skip),
            ..row(2)
        },
        QueueRow {
            published: Verdict::Reject,
            others: vec![(&ben, &accept)],
            ..row(3)
        },
        QueueRow {
            published: Verdict::Accept,
            ..row(4)
        },
    ];
    check(&Queue::new(QueueBase::Undecided), &rows, &[3, 4]);
    check(&Queue::new(QueueBase::FiltersDisagree), &rows, &[0, 2]);
    check(&Queue::new(QueueBase::FilterPerson), &rows, &[0, 1, 3]);
    let cell = |filter, person| Queue {
        cell: Some(Cell { filter, person }),
        ..Queue::new(QueueBase::FilterPerson)
    };
    check(&cell(Verdict::Accept, Verdict::Reject), &rows, &[1]);
    check(&cell(Verdict::Reject, Verdict::Accept), &rows, &[3]);
    assert_eq!(
        filter_person_counts(&rows, QueueFilter::Published),
        [1, 1, 1, 0]
    );
    assert_eq!(
        filter_person_counts(&rows, QueueFilter::Strict),
        [0, 1, 1, 0]
    );
    assert_eq!(filter_filter_counts(&rows), [1, 1, 1, 0]);
    check(&Queue::new(QueueBase::All), &rows, &[0, 1, 2, 3, 4]);
}

#[test]
fn labels_and_scores_are_filters_too() {
    let reject = said(Choice::Reject);
    let scored = |ix, resolved, score| QueueRow {
        published: Verdict::Reject,
        resolved,
        score,
        mine: Some(&reject),
        ..row(ix)
    };
    let rows = [
        scored(0, Some(true), Some(0.4)),
        scored(1, Some(false), Some(0.5)),
        scored(2, None, None),
        // what is no number reaches no threshold
        scored(3, None, Some(f64::NAN)),
    ];
    let setting = |filter, cell| {
        Queue::of_setting(&QueueSetting {
            base: QueueBase::FilterPerson,
            filter,
            cell,
            ..QueueSetting::new("q".into(), 1)
        })
    };
    let score = QueueFilter::Score(0.5);
    for (filter, cell, want) in [
        (QueueFilter::Resolved, None, &[0, 1][..]),
        (QueueFilter::Resolved, Some(QueueCell::OnlyFilter), &[0]),
        (QueueFilter::Resolved, Some(QueueCell::BothReject), &[1]),
        (QueueFilter::Resolved, Some(QueueCell::OnlyPerson), &[]),
        (score, Some(QueueCell::OnlyFilter), &[1]),
        (score, Some(QueueCell::BothReject), &[0, 3]),
    ] {
        check(&setting(filter, cell), &rows, want);
    }
    assert_eq!(
        filter_person_counts(&rows, QueueFilter::Resolved),
        [0, 1, 0, 1]
    );
    let audit = Queue {
        filter: QueueFilter::Resolved,
        ..Queue::new(QueueBase::Audit)
    };
    // what has no label is in neither half of the slice
    assert_eq!(audit.run(&rows).len(), 2);
    let report = audit.audit_report(&rows);
    assert_eq!(
        (report.false_accepts.wrong, report.false_rejects.wrong),
        (1, 0)
    );
}

#[test]
fn flags_disputes_and_stale_ones() {
    let (accept, reject) = (said(Choice::Accept), said(Choice::Reject));
    let flagged = State {
        flag: true,
        ..State::default()
    };
    let (me, ben) = (Text::from("me"), Text::from("ben"));
    let rows = [
        QueueRow {
            has_flags: true,
            ..row(0)
        },
        QueueRow {
            me: Some(&me),
            mine: Some(&flagged),
            ..row(1)
        },
        QueueRow {
            me: Some(&me),
            mine: Some(&accept),
            others: vec![(&ben, &reject)],
            ..row(2)
        },
        QueueRow {
            me: Some(&me),
            mine: Some(&accept),
            others: vec![(&ben, &accept)],
            ..row(3)
        },
        QueueRow {
            is_stale: true,
            others: vec![(&ben, &flagged)],
            ..row(4)
        },
    ];
    check(&Queue::new(QueueBase::Flagged), &rows, &[0, 1, 4]);
    check(&Queue::new(QueueBase::Disputes), &rows, &[2]);
    check(&Queue::new(QueueBase::Stale), &rows, &[4]);
}

#[test]
fn conditions_narrow_a_queue() {
    let accept = said(Choice::Accept);
    let rows = [
        QueueRow {
            steps: 5,
            repo: Some("a/b"),
            task_kind: Some(TaskKind::FuncGen),
            ..row(0)
        },
        QueueRow {
            steps: 50,
            repo: Some("a/b"),
            model: Some("m"),
            mine: Some(&accept),
            ..row(1)
        },
        QueueRow {
            steps: 90,
            ..row(2)
        },
    ];
    let check = |only: Conditions, want: &[usize]| {
        check(
            &Queue {
                only,
                ..Queue::new(QueueBase::All)
            },
            &rows,
            want,
        );
    };
    check(
        Conditions {
            min_steps: Some(50),
            ..Conditions::default()
        },
        &[1, 2],
    );
    check(
        Conditions {
            max_steps: Some(50),
            ..Conditions::default()
        },
        &[0, 1],
    );
    check(
        Conditions {
            repos: vec!["a/b".into(), "c/d".into()],
            ..Conditions::default()
        },
        &[0, 1],
    );
    check(
        Conditions {
            models: vec!["m".into()],
            ..Conditions::default()
        },
        &[1],
    );
    check(
        Conditions {
            task_types: vec!["func_gen".into()],
            ..Conditions::default()
        },
        &[0],
    );
    check(
        Conditions {
            decided: Some(false),
            ..Conditions::default()
        },
        &[0, 2],
    );
}

#[test]
fn an_audit_is_drawn_by_content_and_by_halves() {
    let rows: Vec<QueueRow<'_>> = (0..1000)
        .map(|ix| {
            let published = if ix % 10 == 0 {
                Verdict::Reject
            } else {
                Verdict::Accept
            };
            QueueRow {
                published,
                ..row(ix)
            }
        })
        .collect();
    let queue = Queue {
        size: 100,
        seed: 7,
        ..Queue::new(QueueBase::Audit)
    };
    let drawn = |queue: &Queue, rows: &[QueueRow<'_>]| -> Vec<usize> {
        queue.run(rows).iter().map(|place| place.ix.0).collect()
    };
    let first = drawn(&queue, &rows);
    assert_eq!(first.len(), 100);
    assert_eq!(first.iter().filter(|ix| *ix % 10 == 0).count(), 50);
    assert_eq!(drawn(&queue, &rows), first);
    let turned: Vec<QueueRow<'_>> = rows.iter().rev().cloned().collect();
    assert_eq!(
        drawn(&queue, &turned),
        first,
        "the order of the data does not matter"
    );
    assert_ne!(
        drawn(
            &Queue {
                seed: 8,
                ..queue.clone()
            },
            &rows
        ),
        first
    );
    let few = drawn(
        &Queue {
            size: 400,
            ..queue.clone()
        },
        &rows,
    );
    assert_eq!(
        few.iter().filter(|ix| *ix % 10 == 0).count(),
        100,
        "all there are"
    );
    assert_eq!(few.len(), 400);
    assert_eq!(
        drawn(
            &Queue {
                size: 5000,
                ..queue
            },
            &rows
        )
        .len(),
        1000
    );
}

#[test]
fn an_audit_reports_rates_with_intervals() {
    let (accept, reject) = (said(Choice::Accept), said(Choice::Reject));
    // the filter accepts 20, of which 20 were looked at and 0 were wrong; it rejects 29, of which 1 was wrong
    let rows: Vec<QueueRow<'_>> = (0..49)
        .map(|ix| {
            let is_accepted = ix < 20;
            QueueRow {
                published: Verdict::of(is_accepted),
                mine: Some(if is_accepted || ix == 30 {
                    &accept
                } else {
                    &reject
                }),
                ..row(ix)
            }
        })
        .collect();
    let report = Queue::new(QueueBase::Audit).audit_report(&rows);
    let found = |rate: &Rate| (rate.population, rate.drawn, rate.decided, rate.wrong);
    assert_eq!(found(&report.false_accepts), (20, 20, 20, 0));
    assert_eq!(found(&report.false_rejects), (29, 29, 29, 1));
    let high = report.false_rejects.interval.unwrap().high;
    assert!((high - 0.1718).abs() < 5e-5, "{high}");
    let empty = Queue::new(QueueBase::Audit).audit_report(&[row(1)]);
    assert_eq!(
        (empty.false_accepts.rate, empty.false_accepts.interval),
        (None, None)
    );
}

#[test]
fn the_best_attempt_comes_first() {
    let (accept, reject) = (said(Choice::Accept), said(Choice::Reject));
    let task = |ix, task_id| QueueRow {
        task_id: Some(task_id),
        steps: 10,
        ..row(ix)
    };
    let rows = [
        QueueRow {
            strict: Verdict::Accept,
            ..task(0, "a")
        },
        QueueRow {
            strict: Verdict::Reject,
            mine: Some(&accept),
            ..task(1, "a")
        },
        task(2, "alone"),
        QueueRow {
            score: Some(0.2),
            ..task(3, "b")
        },
        QueueRow {
            steps: 4,
            score: Some(0.2),
            ..task(4, "b")
        },
        QueueRow {
            score: Some(0.9),
            mine: Some(&reject),
            ..task(5, "b")
        },
        row(6),
        QueueRow {
            mine: Some(&reject),
            ..task(7, "c")
        },
        QueueRow {
            mine: Some(&reject),
            ..task(8, "c")
        },
    ];
    let found: Vec<(usize, Option<usize>, bool)> = Queue::new(QueueBase::BestOfN)
        .run(&rows)
        .iter()
        .map(|place| (place.ix.0, place.group, place.is_best))
        .collect();
    let want = [
        (1, Some(0), true),
        (0, Some(0), false),
        (4, Some(1), true),
        (3, Some(1), false),
        (5, Some(1), false),
        (7, Some(2), false),
        (8, Some(2), false),
    ];
    assert_eq!(
        found, want,
        "a task all of whose attempts were rejected has no best one"
    );
}

#[test]
fn queues_of_the_settings_keep_what_they_say() {
    let mut setting = QueueSetting::new("mine".into(), 1);
    setting.base = QueueBase::Audit;
    setting.size = Some(3);
    setting.seed = Some(9);
    setting.max_steps = Some(7);
    let queue = Queue::of_setting(&setting);
    assert_eq!(
        (queue.name.as_str(), queue.size, queue.seed),
        ("mine", 3, 9)
    );
    assert_eq!(queue.only.max_steps, Some(7));
    let names: Vec<String> = Queue::built_in()
        .into_iter()
        .map(|queue| queue.name)
        .collect();
    assert_eq!(names, QueueBase::NAMES);
}

#[test]
fn a_query_is_asked_before_anything_is_drawn_or_grouped() {
    let rows: Vec<QueueRow<'_>> = (0..20)
        .map(|ix| QueueRow {
            published: Verdict::Accept,
            task_id: Some("t"),
            is_selected: ix % 5 == 0,
            ..row(ix)
        })
        .collect();
    let with_query = |base| Queue {
        query: Some("steps > 4".to_owned()),
        ..Queue::new(base)
    };
    check(&with_query(QueueBase::All), &rows, &[0, 5, 10, 15]);
    let audit = Queue {
        size: 4,
        ..with_query(QueueBase::Audit)
    };
    let mut drawn: Vec<usize> = audit.run(&rows).iter().map(|place| place.ix.0).collect();
    drawn.sort_unstable();
    assert_eq!(drawn, [0, 5, 10, 15]);
    assert_eq!(audit.audit_report(&rows).false_accepts.population, 4);
    check(&with_query(QueueBase::BestOfN), &rows, &[0, 5, 10, 15]);
    // without a query nobody has to say that a row is selected
    assert_eq!(Queue::new(QueueBase::All).run(&rows).len(), 20);
}
