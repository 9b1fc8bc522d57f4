use std::cmp::Ordering;

use clap::ValueEnum;

use super::row::Row;
use crate::cli::Kind;

/// What rows can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Column {
    Name,
    Rate,
    Errors,
    P50,
    P99,
    Retries,
    Connections,
}

impl Column {
    /// From left to right. Of routes it is not known which connections are theirs.
    pub(crate) fn all(view: Kind) -> &'static [Self] {
        const ALL: [Column; 7] = [
            Column::Name,
            Column::Rate,
            Column::Errors,
            Column::P50,
            Column::P99,
            Column::Retries,
            Column::Connections,
        ];
        match view {
            Kind::Node | Kind::Upstream => &ALL,
            Kind::Route => &ALL[..6],
        }
    }

    pub(crate) fn title(self, view: Kind) -> &'static str {
        match (self, view) {
            (Self::Name, Kind::Node) => "NODE",
            (Self::Name, Kind::Route) => "ROUTE",
            (Self::Name, Kind::Upstream) => "UPSTREAM",
            (Self::Rate, _) => "REQUESTS/S",
            (Self::Errors, _) => "ERRORS/S",
            (Self::P50, _) => "P50",
            (Self::P99, _) => "P99",
            (Self::Retries, _) => "RETRIES/S",
            (Self::Connections, Kind::Upstream) => "BUSY WITH",
            (Self::Connections, _) => "CONNECTIONS",
        }
    }

    /// Names rise, numbers fall: what is looked for is at the top.
    pub(crate) fn compare(self, a: &Row, b: &Row) -> Ordering {
        let (x, y) = (&a.load, &b.load);
        let fall = |number: fn(&super::row::Load) -> f64| number(y).total_cmp(&number(x));
        let by_column = match self {
            Self::Name => Ordering::Equal,
            Self::Rate => fall(|load| load.requests),
            Self::Errors => fall(|load| load.errors),
            Self::P50 => y.p50.cmp(&x.p50),
            Self::P99 => y.p99.cmp(&x.p99),
            Self::Retries => fall(|load| load.retries),
            Self::Connections => y.connections.cmp(&x.connections),
        };
        by_column.then_with(|| a.name.cmp(&b.name))
    }
}
