//! `harbrctl explain`, for people; what is said is [`harbr_explain`]'s.

mod text;

pub(crate) use text::text;

#[cfg(test)]
mod tests;
