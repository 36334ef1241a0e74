//! Targets as libFuzzer wants them.

pub use libfuzzer_sys;

/// The program of one target.
#[macro_export]
macro_rules! fuzz {
    ($target:ty) => {
        $crate::libfuzzer_sys::fuzz_target!(|input: &[u8]| {
            thread_local! {
                static TARGET: std::cell::RefCell<$target> =
                    std::cell::RefCell::new(<$target as deskbell_tests::fuzz::Target>::new());
            }
            TARGET.with_borrow_mut(|target| deskbell_tests::fuzz::Target::run(target, input));
        });
    };
}
