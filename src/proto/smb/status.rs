//! What servers answer (MS-ERREF section 2.3).

use crate::model::event::Outcome;

pub(super) const SUCCESS: u32 = 0;
/// The answer proper comes later.
pub(super) const PENDING: u32 = 0x103;
/// There is more than there was room for.
pub(super) const BUFFER_OVERFLOW: u32 = 0x8000_0005;
/// The login goes on.
pub(super) const MORE_PROCESSING_REQUIRED: u32 = 0xc000_0016;

/// What a status says of a login.
pub(super) const fn outcome(status: u32) -> Outcome {
    if status == SUCCESS { Outcome::Accepted } else { Outcome::Rejected }
}
