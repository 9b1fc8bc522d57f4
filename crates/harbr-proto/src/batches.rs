use prost::Message;

/// Messages in groups of so many bytes each; one that is larger has a group of its own.
#[must_use]
pub fn batches<T: Message>(messages: Vec<T>, most_bytes: usize) -> Vec<Vec<T>> {
    // The key and the length of each, which nobody needs to the byte.
    const FRAME: usize = 8;
    let (mut batches, mut bytes) = (Vec::new(), 0);
    for message in messages {
        let more = message.encoded_len() + FRAME;
        bytes += more;
        if bytes > most_bytes || batches.is_empty() {
            batches.push(Vec::new());
            bytes = more;
        }
        if let Some(batch) = batches.last_mut() {
            batch.push(message);
        }
    }
    batches
}
