//! The output link: request and address out, acknowledge in through two synchronising registers and one more that
//! finds its falling edge.

/// Registers of the output link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Output {
    /// The address pins.
    pub(super) address: u8,
    /// The request pin.
    pub(super) request: bool,
    /// A handshake is under way: the controller stands still.
    pub(super) busy: bool,
    /// Acknowledge: captured, synchronised, and one edge older.
    captured: bool,
    acknowledged: bool,
    before: bool,
}

impl Output {
    /// The registers after an edge at which `event` asks to be sent and the acknowledge pin is `acknowledge`.
    #[inline]
    pub(super) const fn next(self, event: Option<u8>, acknowledge: bool) -> Self {
        let mut next = Self { captured: acknowledge, acknowledged: self.captured, before: self.acknowledged, ..self };
        match event {
            // An event during the acknowledgement of another is not sent.
            Some(address) if !self.acknowledged => {
                next.address = address;
                next.request = true;
                next.busy = true;
            }
            _ if self.acknowledged => {
                next.request = false;
                next.busy = true;
            }
            _ if self.before => {
                next.request = false;
                next.busy = false;
            }
            _ => {}
        }
        next
    }

    /// Nothing is under way and nothing of the last handshake is left in the registers.
    pub(super) const fn idle(self) -> bool {
        !(self.request || self.busy || self.captured || self.acknowledged || self.before)
    }
}
