//! What a person does to a screen from outside: look whether a window is there, close it, move the mouse.

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, CLIENT_MESSAGE_EVENT, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _,
    EventMask, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT, MapState, Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

/// The windows of a display.
pub struct Windows {
    x: RustConnection,
    root: Window,
    /// The title in UTF-8 (Extended Window Manager Hints, `_NET_WM_NAME`); the older `WM_NAME` has Latin-1 only.
    utf8_title: Atom,
}

impl Windows {
    pub fn of(display: &str) -> Self {
        let (x, screen) = x11rb::connect(Some(display)).unwrap();
        let root = x.setup().roots[screen].root;
        let utf8_title = x.intern_atom(false, b"_NET_WM_NAME").unwrap().reply().unwrap().atom;
        Self { x, root, utf8_title }
    }

    /// Whether a window of this title is on the screen.
    pub fn shows(&self, title: &str) -> bool {
        self.count(title) > 0
    }

    /// How many windows of this title are on the screen.
    pub fn count(&self, title: &str) -> usize {
        self.titled(title).into_iter().filter(|window| self.is_viewable(*window)).count()
    }

    /// Presses the close button of the windows of this title, which a window manager would draw.
    pub fn close(&self, title: &str) {
        let (protocols, delete) = (self.atom("WM_PROTOCOLS"), self.atom("WM_DELETE_WINDOW"));
        for window in self.titled(title).into_iter().filter(|window| self.is_viewable(*window)) {
            let event = ClientMessageEvent {
                response_type: CLIENT_MESSAGE_EVENT,
                format: 32,
                sequence: 0,
                window,
                type_: protocols,
                data: [delete, x11rb::CURRENT_TIME, 0, 0, 0].into(),
            };
            self.x.send_event(false, window, EventMask::NO_EVENT, event).unwrap();
        }
        self.x.flush().unwrap();
    }

    /// Moves and sizes the windows of this title, as a window manager would.
    pub fn put(&self, title: &str, (x, y): (i32, i32), (width, height): (u32, u32)) {
        let place = ConfigureWindowAux::new().x(x).y(y).width(width).height(height);
        for window in self.titled(title).into_iter().filter(|window| self.is_viewable(*window)) {
            self.x.configure_window(window, &place).unwrap().check().unwrap();
        }
    }

    /// Where the window of this title is, and how large.
    pub fn place(&self, title: &str) -> Option<((i16, i16), (u16, u16))> {
        let window = self.titled(title).into_iter().find(|window| self.is_viewable(*window))?;
        let is = self.x.get_geometry(window).ok()?.reply().ok()?;
        Some(((is.x, is.y), (is.width, is.height)))
    }

    /// Moves the mouse to this place.
    pub fn move_mouse(&self, x: i16, y: i16) {
        self.fake(MOTION_NOTIFY_EVENT, 0, x, y);
    }

    /// Presses a key that does nothing by itself (left Shift, as every PC's keyboard numbers it).
    pub fn press_shift(&self) {
        const SHIFT: u8 = 50;
        self.fake(KEY_PRESS_EVENT, SHIFT, 0, 0);
        self.fake(KEY_RELEASE_EVENT, SHIFT, 0, 0);
    }

    fn fake(&self, event: u8, detail: u8, x: i16, y: i16) {
        self.x
            .xtest_fake_input(event, detail, x11rb::CURRENT_TIME, self.root, x, y, 0)
            .unwrap()
            .check()
            .unwrap();
    }

    fn titled(&self, title: &str) -> Vec<Window> {
        let tree = self.x.query_tree(self.root).unwrap().reply().unwrap();
        tree.children.into_iter().filter(|window| self.title(*window).as_deref() == Some(title)).collect()
    }

    /// A window may go while it is looked at, so errors are answers.
    fn title(&self, window: Window) -> Option<String> {
        let name = self.x.get_property(false, window, self.utf8_title, AtomEnum::ANY, 0, 256).ok()?;
        Some(String::from_utf8_lossy(&name.reply().ok()?.value).into_owned())
    }

    fn is_viewable(&self, window: Window) -> bool {
        let attributes = self.x.get_window_attributes(window).unwrap().reply();
        attributes.is_ok_and(|found| found.map_state == MapState::VIEWABLE)
    }

    fn atom(&self, name: &str) -> u32 {
        self.x.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom
    }
}
