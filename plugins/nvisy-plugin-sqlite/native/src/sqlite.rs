//! The SQLite that Python's own `sqlite3` uses, by its functions found at run time: the only unsafe code of the plugin.
//! A statement borrows its database, a cell its statement, so no pointer outlives what it points into.
#![expect(unsafe_code, reason = "SQLite is a library in C")]

use crate::error::{Failure, failure};
use libloading::Library;
use nvisy_sqlite_page::{Cell, Raw, Row};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};

const OK: c_int = 0;
const ROW: c_int = 100;
const DONE: c_int = 101;
/// Read and write, create, take the name for a URI, no mutex: as Python opens it, but for one thread at a time.
const OPEN: c_int = 0x2 | 0x4 | 0x40 | 0x8000;

type Handle = *mut c_void;
type Prepared = *mut c_void;
type Destructor = isize;
/// SQLite makes a copy of what is bound.
const TRANSIENT: Destructor = -1;

macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of one copy of SQLite, which stays loaded until the process ends.
        #[derive(Clone, Copy)]
        pub(crate) struct Functions {
            $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Functions {
            /// # Safety
            /// What has those names in the library is SQLite.
            unsafe fn find(library: &Library) -> Option<Self> {
                Some(Self {
                    // SAFETY: the caller says whose functions they are; their types are those of SQLite's C interface.
                    $($name: *unsafe { library.get(stringify!($name)) }.ok()?,)*
                })
            }
        }
    };
}

functions! {
    sqlite3_libversion: fn() -> *const c_char;
    sqlite3_threadsafe: fn() -> c_int;
    sqlite3_open_v2: fn(*const c_char, *mut Handle, c_int, *const c_char) -> c_int;
    sqlite3_close_v2: fn(Handle) -> c_int;
    sqlite3_busy_timeout: fn(Handle, c_int) -> c_int;
    sqlite3_interrupt: fn(Handle);
    sqlite3_errmsg: fn(Handle) -> *const c_char;
    sqlite3_extended_errcode: fn(Handle) -> c_int;
    sqlite3_prepare_v2: fn(Handle, *const c_char, c_int, *mut Prepared, *mut *const c_char) -> c_int;
    sqlite3_finalize: fn(Prepared) -> c_int;
    sqlite3_step: fn(Prepared) -> c_int;
    sqlite3_column_count: fn(Prepared) -> c_int;
    sqlite3_column_type: fn(Prepared, c_int) -> c_int;
    sqlite3_column_int64: fn(Prepared, c_int) -> i64;
    sqlite3_column_double: fn(Prepared, c_int) -> f64;
    sqlite3_column_text: fn(Prepared, c_int) -> *const u8;
    sqlite3_column_blob: fn(Prepared, c_int) -> *const c_void;
    sqlite3_column_bytes: fn(Prepared, c_int) -> c_int;
    sqlite3_bind_null: fn(Prepared, c_int) -> c_int;
    sqlite3_bind_int64: fn(Prepared, c_int, i64) -> c_int;
    sqlite3_bind_double: fn(Prepared, c_int, f64) -> c_int;
    sqlite3_bind_text: fn(Prepared, c_int, *const c_char, c_int, Destructor) -> c_int;
    sqlite3_bind_blob: fn(Prepared, c_int, *const c_void, c_int, Destructor) -> c_int;
}

impl Functions {
    /// The functions behind Python's extension module at `path`; none where they are hidden, made for one thread only, of
    /// another version than the module says, or not sure to be the very ones that the module calls.
    pub(crate) fn load(path: &str, version: &str) -> Option<Self> {
        // SAFETY: the interpreter has loaded this very file, so nothing of it runs now that has not run before.
        let library = unsafe { Library::new(path) }.ok()?;
        // SAFETY: Python's module exports no such names of its own; they are those of the SQLite it is linked with.
        let found = unsafe { Self::find(&library) };
        // It is never unloaded, as Python never unloads a module.
        std::mem::forget(library);
        let found = found?;
        // SAFETY: both take nothing, may be called at any time, and the version is a constant text.
        let (threads, said) =
            unsafe { ((found.sqlite3_threadsafe)(), CStr::from_ptr((found.sqlite3_libversion)())) };
        let same = threads != 0 && said.to_str() == Ok(version) && found.is_global();
        same.then_some(found)
    }

    /// Whether the process has no other SQLite in front, which would be the one that Python's module calls.
    #[cfg(unix)]
    fn is_global(&self) -> bool {
        let global = libloading::os::unix::Library::this();
        // SAFETY: the address is only compared, so it does not matter what is there.
        let first = unsafe { global.get::<*const c_void>("sqlite3_open_v2") };
        first.map_or(true, |first| first.as_raw_ptr().addr() == self.sqlite3_open_v2 as usize)
    }

    #[cfg(not(unix))]
    fn is_global(&self) -> bool {
        true
    }
}

/// An open database, used by one thread at a time; only `interrupt` may be called meanwhile.
pub(crate) struct Database {
    functions: Functions,
    handle: NonNull<c_void>,
}

// SAFETY: SQLite is one that was made for threads (`load` looks), and a database belongs to no thread; that two do not
// use it at once is seen to by who holds it (`Connection`).
unsafe impl Send for Database {}
// SAFETY: as above; `interrupt` is a function that any thread may call while the database is open.
unsafe impl Sync for Database {}

impl Database {
    /// Open the database of that URI; none where that fails.
    pub(crate) fn open(functions: Functions, uri: &str, busy_timeout_ms: c_int) -> Option<Self> {
        let uri = CString::new(uri).ok()?;
        let mut handle = ptr::null_mut();
        // SAFETY: the name ends with NUL, `handle` has room for the pointer, no other file system is asked for.
        let code = unsafe { (functions.sqlite3_open_v2)(uri.as_ptr(), &raw mut handle, OPEN, ptr::null()) };
        // A handle that could not be opened has to be closed all the same, which dropping it does.
        let opened = Self { functions, handle: NonNull::new(handle)? };
        // SAFETY: the handle is one that was not closed.
        unsafe { (functions.sqlite3_busy_timeout)(opened.handle.as_ptr(), busy_timeout_ms) };
        (code == OK).then_some(opened)
    }

    /// Run a statement that gives no rows and takes no values.
    pub(crate) fn run(&self, sql: &str) -> Result<(), Failure> {
        self.prepare(sql, &[])?.step().map(|_| ())
    }

    /// Prepare a statement and bind its values.
    pub(crate) fn prepare(&self, sql: &str, values: &[Raw]) -> Result<Statement<'_>, Failure> {
        let text = CString::new(sql).map_err(|_| Failure::Misfit)?;
        let (mut prepared, mut rest) = (ptr::null_mut(), ptr::null());
        // SAFETY: the handle is open, the text ends with NUL, and both pointers have room for an answer.
        let code = unsafe {
            (self.functions.sqlite3_prepare_v2)(
                self.handle.as_ptr(),
                text.as_ptr(),
                -1,
                &raw mut prepared,
                &raw mut rest,
            )
        };
        if code != OK {
            return Err(self.failure());
        }
        let prepared = NonNull::new(prepared).ok_or(Failure::Misfit)?;
        // SAFETY: the statement was just prepared.
        let columns = unsafe { (self.functions.sqlite3_column_count)(prepared.as_ptr()) };
        let statement =
            Statement { database: self, prepared, columns: usize::try_from(columns).unwrap_or(0) };
        for (place, value) in (1..).zip(values) {
            statement.bind(place, value)?;
        }
        Ok(statement)
    }

    /// Stop the statement under way; any thread may ask for it.
    pub(crate) fn interrupt(&self) {
        // SAFETY: the handle is open as long as it is borrowed, which is all that this function asks for.
        unsafe { (self.functions.sqlite3_interrupt)(self.handle.as_ptr()) };
    }

    fn failure(&self) -> Failure {
        // SAFETY: the handle is open, and the text, which ends with NUL, is copied before anything else is called.
        let (code, message) = unsafe {
            let code = (self.functions.sqlite3_extended_errcode)(self.handle.as_ptr());
            (code, CStr::from_ptr((self.functions.sqlite3_errmsg)(self.handle.as_ptr())))
        };
        failure(code, message.to_string_lossy().into_owned())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // SAFETY: it is closed once, here; statements borrow the database, so none is left.
        unsafe { (self.functions.sqlite3_close_v2)(self.handle.as_ptr()) };
    }
}

/// A prepared statement, and the row that is current.
pub(crate) struct Statement<'a> {
    database: &'a Database,
    prepared: NonNull<c_void>,
    columns: usize,
}

impl Statement<'_> {
    /// Go to the next row; false at the end.
    pub(crate) fn step(&mut self) -> Result<bool, Failure> {
        // SAFETY: the statement is prepared, and `&mut` says that no cell of the row before is in use.
        match unsafe { (self.database.functions.sqlite3_step)(self.prepared.as_ptr()) } {
            ROW => Ok(true),
            DONE => Ok(false),
            _ => Err(self.database.failure()),
        }
    }

    fn bind(&self, place: c_int, value: &Raw) -> Result<(), Failure> {
        let (functions, prepared) = (&self.database.functions, self.prepared.as_ptr());
        let length = |bytes: &[u8]| c_int::try_from(bytes.len()).map_err(|_| Failure::Misfit);
        // SAFETY: the statement is prepared and was not stepped; a place that is not there is answered by an error; bytes
        // are as many as the length says, and copied before the call returns.
        let code = unsafe {
            match value {
                Raw::Null => (functions.sqlite3_bind_null)(prepared, place),
                Raw::Integer(value) => (functions.sqlite3_bind_int64)(prepared, place, *value),
                Raw::Real(value) => (functions.sqlite3_bind_double)(prepared, place, *value),
                Raw::Text(text) => {
                    let length = length(text.as_bytes())?;
                    (functions.sqlite3_bind_text)(prepared, place, text.as_ptr().cast(), length, TRANSIENT)
                }
                Raw::Blob(bytes) => {
                    let length = length(bytes)?;
                    (functions.sqlite3_bind_blob)(prepared, place, bytes.as_ptr().cast(), length, TRANSIENT)
                }
            }
        };
        if code == OK { Ok(()) } else { Err(self.database.failure()) }
    }

    /// The bytes of a text or blob of the current row.
    ///
    /// # Safety
    /// `start` is what SQLite answered for that column last, and is not used after the next step.
    unsafe fn bytes(&self, start: *const u8, place: c_int) -> &[u8] {
        // SAFETY: the column is one of the row's.
        let length = unsafe { (self.database.functions.sqlite3_column_bytes)(self.prepared.as_ptr(), place) };
        match usize::try_from(length) {
            // SAFETY: SQLite has said that there are so many bytes, and keeps them until the next step, which needs
            // `&mut`, or until they are converted into another form, which nobody here asks for.
            Ok(length @ 1..) if !start.is_null() => unsafe { std::slice::from_raw_parts(start, length) },
            _ => &[],
        }
    }
}

impl Row for Statement<'_> {
    #[inline]
    fn cell(&self, place: usize) -> Cell<'_> {
        let (functions, prepared) = (&self.database.functions, self.prepared.as_ptr());
        let Ok(column) = c_int::try_from(place) else { return Cell::Null };
        if place >= self.columns {
            return Cell::Null;
        }
        // SAFETY: the column is one of the statement's; without a current row SQLite answers null.
        unsafe {
            match (functions.sqlite3_column_type)(prepared, column) {
                1 => Cell::Integer((functions.sqlite3_column_int64)(prepared, column)),
                2 => Cell::Real((functions.sqlite3_column_double)(prepared, column)),
                3 => Cell::Text(self.bytes((functions.sqlite3_column_text)(prepared, column), column)),
                4 => Cell::Blob(self.bytes((functions.sqlite3_column_blob)(prepared, column).cast(), column)),
                _ => Cell::Null,
            }
        }
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: it is finalized once, here.
        unsafe { (self.database.functions.sqlite3_finalize)(self.prepared.as_ptr()) };
    }
}
