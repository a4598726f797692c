/* nnpeek/nnpeek.h: all of the library. */
#ifndef NNPEEK_NNPEEK_H
#define NNPEEK_NNPEEK_H

#include "nnpeek/context.h"
#include "nnpeek/dataset.h"
#include "nnpeek/fit.h"
#include "nnpeek/measure.h"
#include "nnpeek/network.h"
#include "nnpeek/options.h"
#include "nnpeek/report.h"
#include "nnpeek/status.h"
#include "nnpeek/study.h"

#endif
