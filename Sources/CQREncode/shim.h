// libqrencode: the two calls that Typesetting makes need no shim.
#pragma once
#include <qrencode.h>
