#![no_main]

deskbell_fuzz::fuzz!(deskbell_tests::fuzz::Frames);
