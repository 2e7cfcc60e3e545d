import { Module } from '@nestjs/common';
import { CodeImpactComponent } from './code-impact.component.js';

@Module({ providers: [CodeImpactComponent], exports: [CodeImpactComponent] })
export class CodeImpactModule {}
